"""How an expert continues one of the same kind. To be wider or deeper, or to see more, changes nothing."""

from __future__ import annotations

import math

from torch import Tensor

from haemsa.model.inheritance.heritage import Heritage, overlay
from haemsa.model.network.weights import Weights
from haemsa.model.spec.network import ExpertSpec


def continued(heritage: Heritage, new: str, old: str, spec: ExpertSpec, origin: ExpertSpec) -> Weights:
    """The weights of the expert at `new` from those at `old`. New units are not read, and new layers add zero."""
    if spec.kind == "tensor":
        return _tensor(heritage, new, old, spec, origin)
    weights = _out(heritage, new, old) | _inputs(heritage, new, old, spec, origin)
    if spec.kind == "cross_attention":
        weights |= _readers(heritage, new, old, spec, origin)
    for layer in range(1, spec.depth):
        for part in (f"layer.{layer}", f"layer.{layer}.bias"):
            name, source = f"{new}.{part}", f"{old}.{part}"
            weights |= heritage.grown(name, source) if layer < origin.depth else heritage.filled(name, 0.0)
        weights[f"{new}.layer.{layer}"][origin.width :, : origin.width] = 0
    return weights


def _out(heritage: Heritage, new: str, old: str) -> Weights:
    return heritage.padded(f"{new}.out", f"{old}.out") | heritage.padded(f"{new}.out.bias", f"{old}.out.bias")


def _inputs(heritage: Heritage, new: str, old: str, spec: ExpertSpec, origin: ExpertSpec) -> Weights:
    weights: Weights = {}
    for token in spec.sees:
        name, source = f"{new}.in.{token}", f"{old}.in.{token}"
        seen = token in origin.sees
        weights |= heritage.scaled(name, source) if seen else heritage.filled(name, 0.0)
        if spec.kind == "low_rank":  # a new factor is 1
            bias = f"{name}.bias"
            weights |= heritage.grown(bias, f"{source}.bias") if seen else heritage.filled(bias, 1.0)
    if spec.kind != "low_rank":
        weights |= heritage.grown(f"{new}.in.bias", f"{old}.in.bias")
    return weights


def _readers(heritage: Heritage, new: str, old: str, spec: ExpertSpec, origin: ExpertSpec) -> Weights:
    """New units of a query and what is read of a new modality have no effect. Scores keep their size."""
    weights: Weights = {}
    size = math.sqrt(spec.width / origin.width)
    for token in spec.sees:
        key, value = f"{new}.key.{token}", f"{new}.value.{token}"
        if key not in heritage.fresh:
            continue
        if token in origin.sees:
            keys = heritage.padded(key, f"{old}.key.{token}")
            weights |= {name: values * size for name, values in keys.items()}
            for part in (value, f"{value}.bias"):
                weights |= heritage.grown(part, old + part.removeprefix(new))
        else:
            weights |= heritage.filled(value, 0.0) | heritage.filled(f"{value}.bias", 0.0)
    return weights


def _tensor(heritage: Heritage, new: str, old: str, spec: ExpertSpec, origin: ExpertSpec) -> Weights:
    """Products with new units or new tokens are not read. Those of lost tokens go."""
    weights = heritage.padded(f"{new}.out.bias", f"{old}.out.bias")
    for token in spec.sees:
        if token in origin.sees:
            weights |= heritage.scaled(f"{new}.in.{token}", f"{old}.in.{token}")
            weights |= heritage.grown(f"{new}.in.{token}.bias", f"{old}.in.{token}.bias")
    fresh = heritage.fresh[f"{new}.out"]
    sizes = [spec.width + 1] * len(spec.sees)
    products = _products(heritage.old[f"{old}.out"], spec, origin)
    weights[f"{new}.out"] = overlay(fresh.new_zeros(*sizes, fresh.shape[1]), products).flatten(0, -2)
    return weights


def _products(out: Tensor, spec: ExpertSpec, origin: ExpertSpec) -> Tensor:
    """The parent's output weights with an axis for each token that the child sees, sorted by name, and one of outputs.

    The first place of an axis is the constant 1. Only this place is kept of a lost token, and a new one has only this.
    """
    out = out.view(*[origin.width + 1] * len(origin.sees), out.shape[1])
    for axis, token in reversed(list(enumerate(sorted(origin.sees)))):
        if token not in spec.sees:
            out = out.select(axis, 0)
    for axis, token in enumerate(sorted(spec.sees)):
        if token not in origin.sees:
            out = out.unsqueeze(axis)
    return out

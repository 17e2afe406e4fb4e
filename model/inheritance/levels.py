"""How a level's experts and gates continue those of one of the parent's levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from haemsa.model.inheritance.alignment import Match, are_twins, match_experts
from haemsa.model.inheritance.experts import continued
from haemsa.model.inheritance.heritage import Heritage, overlay
from haemsa.model.network.weights import Weights
from haemsa.model.spec.network import GLOBAL, GateSpec, LevelSpec

_SPREAD: Final = 0.1
"""Twins differ by this share of their fresh output weights. Otherwise they would stay equal forever."""


def new_level(heritage: Heritage, number: int) -> Weights:
    """A level whose outputs are zero at first. Its gates are fresh."""
    experts = heritage.child.levels[number].experts
    return _silent(heritage, number, range(len(experts)))


def grown_level(heritage: Heritage, number: int, old: int) -> Weights:
    """Experts continue where they can, the gates' columns follow them, and new experts change nothing."""
    spec, origin = heritage.child.levels[number], heritage.parent.levels[old]
    experts = match_experts(spec, origin)
    inherited = _silent(heritage, number, [place for place, source in enumerate(experts) if source is None])
    for place, source in enumerate(experts):
        if source is not None:
            paths = _path(number, place), _path(old, source)
            inherited |= continued(heritage, *paths, spec.experts[place], origin.experts[source])
    columns = _columns(experts, len(origin.experts))
    siblings = _siblings(spec, experts, columns)
    for name in (*heritage.child.modalities, GLOBAL):
        if name in (*heritage.parent.modalities, GLOBAL):
            new_path, old_path = f"levels.{number}.gate.{name}", f"levels.{old}.gate.{name}"
            inherited |= _gate(heritage, new_path, old_path, columns, spec.gate)
    for sibling in sorted(set(siblings.values())):
        group = [sibling, *(new for new, of in siblings.items() if of == sibling)]
        inherited |= _twins(heritage, number, group, inherited)
    return inherited


def _path(level: int, expert: int) -> str:
    return f"levels.{level}.experts.{expert}"


def _silent(heritage: Heritage, number: int, places: Sequence[int]) -> Weights:
    """Output weights of new experts: zero."""
    outputs: Weights = {}
    for place in places:
        outputs |= heritage.filled(f"{_path(number, place)}.out", 0.0)
        outputs |= heritage.filled(f"{_path(number, place)}.out.bias", 0.0)
    return outputs


def _columns(experts: Match, count: int) -> Match:
    """The parent's gate column for each expert. A new expert gets that of an expert that went, if there is one."""
    left = [column for column in range(count) if column not in experts]
    return tuple((left.pop(0) if left else None) if column is None else column for column in experts)


def _siblings(spec: LevelSpec, experts: Match, columns: Match) -> dict[int, int]:
    """For each expert that starts as a twin, the one whose twin it is."""
    if spec.gate.kind != "softmax":
        return {}
    siblings: dict[int, int] = {}
    for place, column in enumerate(columns):
        for sibling, source in enumerate(experts):
            if column is None and source is not None and are_twins(spec.experts[place], spec.experts[sibling]):
                siblings.setdefault(place, sibling)
    return siblings


def _gate(heritage: Heritage, new: str, old: str, columns: Match, gate: GateSpec) -> Weights:
    """Columns of a gate's weight [W, E] and bias [E]. A new expert is shut where it would take from the others."""
    weight, bias = heritage.old[f"{old}.weight"] * heritage.scale, heritage.old[f"{old}.bias"]
    shut = 0.0 if gate.kind == "sigmoid" else heritage.shut * gate.temperature
    weights = [torch.zeros_like(weight[:, 0]) if column is None else weight[:, column] for column in columns]
    biases = [torch.full_like(bias[0], shut) if column is None else bias[column] for column in columns]
    wider = overlay(heritage.fresh[f"{new}.weight"], torch.stack(weights, 1))
    return {f"{new}.weight": wider, f"{new}.bias": torch.stack(biases)}


def _twins(heritage: Heritage, number: int, group: Sequence[int], inherited: Weights) -> Weights:
    """Experts that all continue the first of `group`. They divide its share equally, so that their sum is the same."""
    first, changed = _path(number, group[0]), dict[str, Tensor]()
    outs = torch.stack([heritage.fresh[f"{_path(number, place)}.out"] for place in group])
    spreads = _SPREAD * (outs - outs.mean(0))
    of_first = {name: values for name, values in inherited.items() if name.startswith(f"{first}.")}
    for place, spread in zip(group, spreads, strict=True):
        path = _path(number, place)
        changed |= {path + name.removeprefix(first): values.clone() for name, values in of_first.items()}
        changed[f"{path}.out"] += spread
    lower = heritage.child.levels[number].gate.temperature * math.log(len(group))
    for name in [name for name in inherited if name.startswith(f"levels.{number}.gate.")]:
        values = inherited[name].clone()
        values[..., list(group)] = values[..., [group[0]]] - (lower if name.endswith(".bias") else 0.0)
        changed[name] = values
    return changed

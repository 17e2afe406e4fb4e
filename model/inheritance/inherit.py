"""Initial weights of a child from its trained parent's: what both have is copied, and what is new changes nothing.

A child that has one thing more than its parent (an expert, a level, a layer, units, a token seen, a modality, a longer
kernel, attention for a mean) predicts at first what its parent predicts on complete data (function-preserving
transformations: Net2Net, Chen et al. 2016), in these ways:

- New outputs start at zero, new inputs have weights of zero, new layers are residual maps of zero.
- Where a new part would take its share from others in a softmax, it starts shut, with a logit of `SHUT_LOGIT`. Next to
  an expert of its own spec, it starts as that one's twin, and each twin gets an equal part of the share.
- Consumers of normalised tokens are scaled, since the norm divides by the width. This is exact but for the norm's 1e-6.

Only approximate are: a wider token under several attention heads, whose units are dealt to heads by blocks; an expert
that sees more, without transfer, since local tokens then hear it no longer; anything that gets smaller or changes kind.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from haemsa.model.inheritance.alignment import align_levels
from haemsa.model.inheritance.heritage import SHUT_LOGIT, Heritage
from haemsa.model.inheritance.levels import grown_level, new_level
from haemsa.model.network.weights import Weights
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec


@dataclass(frozen=True, eq=False)
class Inherited:
    """A start at epoch 0 from a parent: its genome, its averaged weights of the same fold, and what `inherit` takes."""

    parent: Genome
    weights: Weights
    shut: float = SHUT_LOGIT


def inherit(child: Genome, parent: Genome, weights: Weights, fresh: Weights, *, shut: float = SHUT_LOGIT) -> Weights:
    """The child's initial weights, from its parent's; `fresh` are its own initial ones, for the rest.

    `shut` is the logit of what starts shut. Nearer to zero, new parts learn to be heard, and the child begins a little
    beside its parent.
    """
    heritage = Heritage(child, parent, weights, fresh, shut)
    found = {name: values.clone() for name, values in fresh.items()}
    for encoder in child.network.encoders:
        found |= _encoder(heritage, encoder)
    for number, old in enumerate(align_levels(child.network, parent.network)):
        found |= new_level(heritage, number) if old is None else grown_level(heritage, number, old)
    return found | _heads(heritage)


def _encoder(heritage: Heritage, spec: EncoderSpec) -> Weights:
    """Units that the parent has not are zero; a modality that it has not starts shut."""
    path = f"encoders.{spec.modality}"
    old = next((item for item in heritage.parent.encoders if item.modality == spec.modality), None)
    if old is None:
        return heritage.filled(f"{path}.share", _new_logit(heritage))
    found = heritage.grown(f"{path}.share")
    for part in ("weight", "bias", "stand_in"):
        found |= heritage.padded(f"{path}.{part}")
    if spec.kind == old.kind == "attention":
        units = heritage.child.width, heritage.parent.width
        found[f"{path}.query"] = _queries(heritage.old[f"{path}.query"], spec.heads, *units)
    if spec.kind == old.kind == "convolution":
        found[f"{path}.kernel"] = _centred(heritage.fresh[f"{path}.kernel"], heritage.old[f"{path}.kernel"])
    return found


def _queries(old: Tensor, heads: int, width: int, old_width: int) -> Tensor:
    """Each head asks as did the parent's head of its first unit: queries [heads, D]."""
    first = torch.arange(heads, device=old.device) * (width // heads)
    return old[first.clamp(max=old_width - 1) // (old_width // len(old))]


def _centred(fresh: Tensor, old: Tensor) -> Tensor:
    """A kernel [W, K] about the parent's middle, zero beyond it; units that the parent has not are fresh."""
    found, known = fresh.clone(), min(len(fresh), len(old))
    found[:known] = 0
    shift = (fresh.shape[1] - 1) // 2 - (old.shape[1] - 1) // 2
    first, last = max(0, -shift), min(old.shape[1], fresh.shape[1] - shift)
    found[:known, first + shift : last + shift] = old[:known, first:last]
    return found


def _heads(heritage: Heritage) -> Weights:
    """Rows of units that the parent has not are fresh, so that those units learn."""
    found: Weights = {}
    for name in heritage.fresh:
        if name.startswith("heads."):
            known = name in heritage.old
            found |= heritage.grown(name) if known else heritage.filled(name, _new_logit(heritage))
    return found


def _new_logit(heritage: Heritage) -> float:
    """Where a new modality's shares start: shut, unless nothing else is left to read."""
    return heritage.shut if set(heritage.child.modalities) & set(heritage.parent.modalities) else 0.0

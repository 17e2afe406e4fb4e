"""First weights of a child from its trained parent's: what both have is copied, and what is new changes nothing.

A child may have one thing more than its parent: an expert, a level, a layer, units, a token seen, a modality, a longer
kernel, attention instead of a mean. On complete data it predicts at first the same as its parent (function-preserving
transformations: Net2Net, Chen et al. 2016):

- New outputs and new inputs start with weights of zero, and new layers as residual maps of zero.
- A new part that would take its share from others in a softmax starts shut, with a logit of `SHUT_LOGIT`. Next to an
  expert of the same specification it starts as its twin instead, and the twins divide the share equally.
- What reads normalised tokens is scaled, because the norm divides by the width. This is exact except for its 1e-6.

In three cases the predictions are only similar: a wider token under several attention heads, because units are dealt to
heads in blocks; an expert that sees more, without transfer, because local tokens no longer hear it; and anything that
gets smaller or changes its kind.
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
    """A start at epoch 0 from a parent: its genome and its averaged weights of the same fold. `shut`: see `inherit`."""

    parent: Genome
    weights: Weights
    shut: float = SHUT_LOGIT


def inherit(child: Genome, parent: Genome, weights: Weights, fresh: Weights, *, shut: float = SHUT_LOGIT) -> Weights:
    """The child's first weights, from its parent's.

    Args:
        child: The genome that inherits.
        parent: The genome from which it inherits.
        weights: The parent's, trained.
        fresh: The child's own random ones, for everything else.
        shut: The logit of what starts shut. Nearer to zero, new parts learn to be heard, and the child's first
            predictions differ a little from its parent's.
    """
    heritage = Heritage(child, parent, weights, fresh, shut)
    inherited = {name: values.clone() for name, values in fresh.items()}
    for encoder in child.network.encoders:
        inherited |= _encoder(heritage, encoder)
    for number, old in enumerate(align_levels(child.network, parent.network)):
        inherited |= new_level(heritage, number) if old is None else grown_level(heritage, number, old)
    return inherited | _heads(heritage)


def _encoder(heritage: Heritage, spec: EncoderSpec) -> Weights:
    """Units that the parent does not have are zero. A modality that it does not have starts shut."""
    path = f"encoders.{spec.modality}"
    old = next((item for item in heritage.parent.encoders if item.modality == spec.modality), None)
    if old is None:
        return heritage.filled(f"{path}.share", _new_logit(heritage))
    inherited = heritage.grown(f"{path}.share")
    for part in ("weight", "bias", "stand_in"):
        inherited |= heritage.padded(f"{path}.{part}")
    if spec.kind == old.kind == "attention":
        units = heritage.child.width, heritage.parent.width
        inherited[f"{path}.query"] = _queries(heritage.old[f"{path}.query"], spec.heads, *units)
    if spec.kind == old.kind == "convolution":
        inherited[f"{path}.kernel"] = _centred(heritage.fresh[f"{path}.kernel"], heritage.old[f"{path}.kernel"])
    return inherited


def _queries(old: Tensor, heads: int, width: int, old_width: int) -> Tensor:
    """Queries [heads, D]: each head has the query of the parent's head that had its first unit."""
    first = torch.arange(heads, device=old.device) * (width // heads)
    return old[first.clamp(max=old_width - 1) // (old_width // len(old))]


def _centred(fresh: Tensor, old: Tensor) -> Tensor:
    """A kernel [W, K] with the parent's in its middle and zeros around it. New units are fresh."""
    kernel, kept = fresh.clone(), min(len(fresh), len(old))
    kernel[:kept] = 0
    shift = (fresh.shape[1] - 1) // 2 - (old.shape[1] - 1) // 2
    first, last = max(0, -shift), min(old.shape[1], fresh.shape[1] - shift)
    kernel[:kept, first + shift : last + shift] = old[:kept, first:last]
    return kernel


def _heads(heritage: Heritage) -> Weights:
    """Rows of new units are fresh, so that these units learn."""
    inherited: Weights = {}
    for name in heritage.fresh:
        if name.startswith("heads."):
            is_new = name not in heritage.old
            inherited |= heritage.filled(name, _new_logit(heritage)) if is_new else heritage.grown(name)
    return inherited


def _new_logit(heritage: Heritage) -> float:
    """The first logit of a new modality's shares: shut, unless it is all that the child reads."""
    return heritage.shut if set(heritage.child.modalities) & set(heritage.parent.modalities) else 0.0

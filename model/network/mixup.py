"""Manifold mixup (Verma et al. 2019): tokens of a sample, and its losses, take a share from another sample.

The other is its partner, the one before it in the batch (for the first, the last one). Which modalities are present
stays as it was. Nothing is taken from a partner that the row's fold holds out, or that lacks a label of the sample's.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from haemsa.model.network.batch import Targets
from haemsa.model.network.noise import Noise, site


def partner(values: Tensor, axis: int) -> Tensor:
    """Of each sample its partner's values; samples lie along `axis`."""
    return values.roll(1, axis)


def mix(own: Tensor, other: Tensor, share: Tensor) -> Tensor:
    """`own`, of which the share [0, 1] comes from `other`; exactly `own` where the share is zero."""
    return own + share.to(own.dtype) * (other - own)


def shares(most: Tensor, noise: Noise, weights: Tensor, targets: Mapping[str, Targets]) -> Tensor:
    """What each sample takes from its partner [P, B]: even between zero and each row's `most` [P], or zero.

    `weights` [P, B] are zero where a row's fold holds a sample out.
    """
    P, B = weights.shape
    rows = torch.arange(P, device=weights.device)
    draws = noise.uniform(rows, torch.full_like(rows, site("mixing"), dtype=torch.int32), (B,)).to(weights)
    known = torch.cat([item.known for item in targets.values()], 1)
    fits = (partner(known, 0) >= known).all(1) & (partner(weights, 1) > 0)
    return draws * most.unsqueeze(1) * fits

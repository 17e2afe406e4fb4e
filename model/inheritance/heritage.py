"""A parent's weights and a child's fresh ones, and the ways in which they are combined."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

from haemsa.model.network.weights import Weights
from haemsa.model.spec.genome import Genome

SHUT_LOGIT: Final = -16.0
"""Logit of a part that starts without influence. Next to logits of 0 its share is about 1e-7, and hardly grows."""


class Heritage:
    """Both networks and their weights. Each method gives one of the child's weights, by its name."""

    def __init__(self, child: Genome, parent: Genome, weights: Weights, fresh: Weights, shut: float) -> None:
        self.child, self.parent = child.network, parent.network
        self.fresh, self.shut = fresh, shut
        self.old = {name: values.to(next(iter(fresh.values()))) for name, values in weights.items()}
        # A norm over more units makes each old unit larger. Over fewer units, they keep their size.
        self.scale = min(1.0, math.sqrt(self.parent.width / self.child.width))

    def grown(self, name: str, old: str | None = None) -> Weights:
        """The parent's weights within fresh ones."""
        return {name: overlay(self.fresh[name], self.old[old or name])}

    def padded(self, name: str, old: str | None = None) -> Weights:
        """The parent's weights within zeros."""
        return {name: overlay(torch.zeros_like(self.fresh[name]), self.old[old or name])}

    def scaled(self, name: str, old: str) -> Weights:
        """Like `grown`, for weights that act on normalised tokens."""
        return {name: overlay(self.fresh[name], self.old[old] * self.scale)}

    def filled(self, name: str, value: float) -> Weights:
        """The same number everywhere."""
        return {name: torch.full_like(self.fresh[name], value)}


def overlay(below: Tensor, values: Tensor) -> Tensor:
    """A copy of `below` with `values` in its first corner, as far as both reach."""
    place = tuple(slice(0, min(sizes)) for sizes in zip(below.shape, values.shape, strict=True))
    combined = below.clone()
    combined[place] = values[place]
    return combined

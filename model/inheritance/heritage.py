"""What an inheritance starts from: a parent's weights and a child's own initial ones, and how they fit together."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

from haemsa.model.network.weights import Weights
from haemsa.model.spec.genome import Genome

SHUT_LOGIT: Final = -16.0
"""Logit of a part that starts without influence: among others at zero, its share is about 1e-7, and hardly grows."""


class Heritage:
    """Both networks and their weights. Each method gives one of the child's weights, by its name."""

    def __init__(self, child: Genome, parent: Genome, weights: Weights, fresh: Weights, shut: float) -> None:
        self.child, self.parent = child.network, parent.network
        self.fresh, self.shut = fresh, shut
        self.old = {name: values.to(next(iter(fresh.values()))) for name, values in weights.items()}
        # A norm over more units makes each of the old ones larger; over fewer, those left are as large as before.
        self.scale = min(1.0, math.sqrt(self.parent.width / self.child.width))

    def grown(self, name: str, old: str | None = None) -> Weights:
        """The parent's numbers within fresh ones."""
        return {name: overlay(self.fresh[name], self.old[old or name])}

    def padded(self, name: str, old: str | None = None) -> Weights:
        """The parent's numbers within zeros."""
        return {name: overlay(torch.zeros_like(self.fresh[name]), self.old[old or name])}

    def scaled(self, name: str, old: str) -> Weights:
        """Like `grown`, for weights that act on normalised tokens."""
        return {name: overlay(self.fresh[name], self.old[old] * self.scale)}

    def filled(self, name: str, value: float) -> Weights:
        """One number throughout."""
        return {name: torch.full_like(self.fresh[name], value)}


def overlay(below: Tensor, values: Tensor) -> Tensor:
    """`below`, with `values` in its first corner as far as both reach; a copy."""
    place = tuple(slice(0, min(sizes)) for sizes in zip(below.shape, values.shape, strict=True))
    found = below.clone()
    found[place] = values[place]
    return found

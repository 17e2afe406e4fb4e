"""Puts parts of tensors elsewhere, each at most once, so that the gradient is gathered in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from haemsa.model.network.cohort import Stacked


class Gathering(Stacked):
    """Takes n parts along the first axis of tensors that lie one after another, and zeros where there is no part.

    Args:
        places: Which of the `count` parts goes to each place; None: nothing. No part goes to two places.
        count: Of all parts. Each goes somewhere.
    """

    index: Tensor
    inverse: Tensor

    def __init__(self, places: Sequence[int | None], count: int) -> None:
        super().__init__()
        index = torch.tensor([count if part is None else part for part in places])
        filled = torch.tensor([place for place, part in enumerate(places) if part is not None])
        self.constant("index", index)
        self.constant("inverse", torch.empty_like(filled).index_copy(0, index[filled], filled))
        self._has_holes = len(filled) < len(places)

    def forward(self, parts: Sequence[Tensor]) -> Tensor:
        """The parts at their places [n, ...]."""
        if torch.is_grad_enabled() and any(part.requires_grad for part in parts):
            found: Tensor = _Gathered.apply(self, *parts)  # type: ignore[no-untyped-call]
            return found
        return self.take(parts)

    def take(self, parts: Sequence[Tensor]) -> Tensor:
        """The same without a gradient."""
        blank = [parts[0].new_zeros(1, *parts[0].shape[1:])] if self._has_holes else []
        return torch.cat([*parts, *blank]).index_select(0, self.index)


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gathering: Gathering, *parts: Tensor) -> Tensor:
        ctx.inverse, ctx.counts = gathering.inverse, [len(part) for part in parts]
        return gathering.take(parts)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return None, *torch.split(gradient.index_select(0, ctx.inverse), ctx.counts)

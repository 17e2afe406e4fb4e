"""Puts parts of tensors elsewhere, each at most once, so that the gradient is gathered in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from haemsa.model.network.cohort import Stacked


class Gathering(Stacked):
    """Takes n parts along the first axis of tensors that lie one after another, and zeros where there is no part.

    Args:
        places: Which of the `count` parts goes to each place; None: nothing. No part goes to two places.
        count: Of all parts. Each goes somewhere.
        width: To how much the last axis is filled up with zeros; None: all parts are equally wide.
    """

    index: Tensor
    inverse: Tensor

    def __init__(self, places: Sequence[int | None], count: int, width: int | None = None) -> None:
        super().__init__()
        self._width = width
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
        wide = [self._widened(part) for part in parts]
        blank = [wide[0].new_zeros(1, *wide[0].shape[1:])] if self._has_holes else []
        return torch.cat([*wide, *blank]).index_select(0, self.index)

    def _widened(self, part: Tensor) -> Tensor:
        missing = 0 if self._width is None else self._width - part.shape[-1]
        return F.pad(part, (0, missing)) if missing else part


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gathering: Gathering, *parts: Tensor) -> Tensor:
        ctx.inverse, ctx.counts = gathering.inverse, [len(part) for part in parts]
        ctx.widths = [part.shape[-1] for part in parts]
        return gathering.take(parts)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        of_parts = torch.split(gradient.index_select(0, ctx.inverse), ctx.counts)
        return None, *(part[..., :width] for part, width in zip(of_parts, ctx.widths, strict=True))


class Taking(Stacked):
    """Takes parts along the first axis for several readers, as often as they are wanted, cropped to each one's width.

    Args:
        wanted: Which parts each reader wants.
        widths: How much of the last axis it reads.
    """

    index: Tensor

    def __init__(self, wanted: Sequence[Sequence[int]], widths: Sequence[int]) -> None:
        super().__init__()
        self.constant("index", torch.tensor([part for parts in wanted for part in parts]))
        self.counts, self.widths = [len(parts) for parts in wanted], list(widths)

    def forward(self, source: Tensor) -> Sequence[Tensor]:
        """The parts [m, ..., w] of `source` [n, ..., W] that each reader wants."""
        if torch.is_grad_enabled() and source.requires_grad:
            found: tuple[Tensor, ...] = _Taken.apply(self, source)  # type: ignore[no-untyped-call]
            return found
        return self.take(source)

    def take(self, source: Tensor) -> Sequence[Tensor]:
        """The same without a gradient."""
        parts = torch.split(source.index_select(0, self.index), self.counts)
        return tuple(part[..., :width] for part, width in zip(parts, self.widths, strict=True))


class _Taken(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, taking: Taking, source: Tensor) -> tuple[Tensor, ...]:
        ctx.taking, ctx.shape = taking, source.shape
        return tuple(taking.take(source))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        total = gradients[0].new_zeros(ctx.shape)
        indices = torch.split(ctx.taking.index, ctx.taking.counts)
        for gradient, index, width in zip(gradients, indices, ctx.taking.widths, strict=True):
            total[..., :width].index_add_(0, index, gradient)
        return None, total

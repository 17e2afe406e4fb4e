"""Matrix products of all rows that read one modality, whose units lie on one axis without padding."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Standard(NamedTuple):
    """How each unit standardises the features that it reads.

    `scale` [n, D] is a factor of each row (None: 1), and `unit_row` [U] the row of each unit. `means` [F, D] are
    subtracted before (None: 0), and `fold_index` [U, 1] is the one of each unit.
    """

    scale: Tensor | None
    unit_row: Tensor
    means: Tensor | None
    fold_index: Tensor | None

    def scaled(self, weight: Tensor) -> Tensor:
        """The weights [U, D] of features before they are scaled."""
        return weight if self.scale is None else weight * self.scale.index_select(0, self.unit_row)


def project(x: Tensor, weight: Tensor, bias: Tensor, standard: Standard) -> Tensor:
    """Project standardised features of x [S, D] to all units [U, S]."""
    if torch.is_grad_enabled() and weight.requires_grad:
        units: Tensor = _Projection.apply(x, weight, bias, standard)  # type: ignore[no-untyped-call]
        return units
    return _projected(_with_means(x, standard), standard.scaled(weight), bias, standard)


def _with_means(x: Tensor, standard: Standard) -> Tensor:
    """The folds' means are further samples of the same product, because rows of several folds share x."""
    return x if standard.means is None else torch.cat([x, standard.means])


def _projected(inputs: Tensor, scaled: Tensor, bias: Tensor, standard: Standard) -> Tensor:
    units = torch.mm(scaled, inputs.t())
    if standard.means is None or standard.fold_index is None:
        return units.add_(bias.unsqueeze(1))
    S = len(inputs) - len(standard.means)
    return units[:, :S] + (bias.unsqueeze(1) - units[:, S:].gather(1, standard.fold_index))


class _Projection(torch.autograd.Function):
    """`project` with a backward that passes over the weights as seldom as can be."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, standard: Standard) -> Tensor:
        inputs = _with_means(x, standard)
        scaled = standard.scaled(weight)
        ctx.standard, ctx.samples = standard, len(x)
        ctx.save_for_backward(inputs, *([scaled] if ctx.needs_input_grad[0] else []))
        return _projected(inputs, scaled, bias, standard)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        inputs, *scaled = ctx.saved_tensors
        of_bias, standard = gradient.sum(1), ctx.standard
        of_x = gradient.t() @ scaled[0] if scaled else None
        if standard.means is not None:
            of_means = gradient.new_zeros(len(gradient), len(standard.means))
            gradient = torch.cat([gradient, of_means.scatter_(1, standard.fold_index, -of_bias.unsqueeze(1))], 1)
        of_weight = torch.mm(gradient, inputs)
        if standard.scale is not None:
            of_weight.mul_(standard.scale.index_select(0, standard.unit_row))
        return of_x, of_weight, of_bias, None


def to_tokens(units: list[Tensor], place: Tensor, unit_place: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Arrange units [U, B] of all encoders as tokens [P, M, B, W].

    Args:
        units: Of each encoder.
        place: Where the unit of each (row, modality, place in a token) lies among all units; their number: nowhere.
        unit_place: The inverse: for each unit, its place in the tokens.
        shape: P, M and W.
    """
    if torch.is_grad_enabled() and any(part.requires_grad for part in units):
        tokens: Tensor = _Arrangement.apply(place, unit_place, shape, *units)  # type: ignore[no-untyped-call]
        return tokens
    return _arranged(units, place, shape)


def _arranged(units: list[Tensor], place: Tensor, shape: tuple[int, int, int]) -> Tensor:
    P, M, W = shape
    flat = torch.cat([*units, units[0].new_zeros(1, units[0].shape[1])])
    return flat.index_select(0, place).view(P, M, W, -1).transpose(2, 3).contiguous()


class _Arrangement(torch.autograd.Function):
    """`to_tokens`: each unit goes to one place, so its gradient is taken from there."""

    @staticmethod
    def forward(ctx: Any, place: Tensor, unit_place: Tensor, shape: tuple[int, int, int], *units: Tensor) -> Tensor:
        ctx.unit_place, ctx.counts = unit_place, [len(part) for part in units]
        return _arranged(list(units), place, shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        by_place = gradient.transpose(2, 3).reshape(-1, gradient.shape[2])
        return None, None, None, *torch.split(by_place.index_select(0, ctx.unit_place), ctx.counts)

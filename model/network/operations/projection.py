"""Matrix products of all rows that read one modality, whose units lie on one axis without padding."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Standard(NamedTuple):
    """How each unit standardises the features that it reads.

    `scale` [n, D] is a factor of each row (None: 1). Units come in blocks of equal size that belong to a row each:
    `block_row`. `means` [F, D] are subtracted before (None: 0), and `fold_index` [U, 1] is the one of each unit.
    """

    scale: Tensor | None
    block_row: Tensor
    means: Tensor | None
    fold_index: Tensor | None

    def scaled(self, weight: Tensor) -> Tensor:
        """The weights [U, D] of features before they are scaled."""
        return weight if self.scale is None else (self._blocks(weight) * self._factors(self.scale)).view_as(weight)

    def scale_(self, weight: Tensor) -> Tensor:
        """The same in place."""
        if self.scale is not None:
            self._blocks(weight).mul_(self._factors(self.scale))
        return weight

    def _blocks(self, weight: Tensor) -> Tensor:
        return weight.view(len(self.block_row), -1, weight.shape[1])

    def _factors(self, scale: Tensor) -> Tensor:
        return scale.index_select(0, self.block_row).unsqueeze(1)

    def centred(self, bias: Tensor, scaled: Tensor) -> Tensor:
        """The bias [U] of features before their means are subtracted, for weights that are scaled."""
        if self.means is None or self.fold_index is None:
            return bias
        return bias - torch.mm(scaled, self.means.t()).gather(1, self.fold_index).squeeze(1)


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
        return of_x, standard.scale_(torch.mm(gradient, inputs)), of_bias, None

"""What is done to all tokens of all rows, with backwards that pass over the tokens as seldom as can be."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_EPSILON = 1e-6


def scores(tokens: Tensor, weight: Tensor) -> Tensor:
    """The products of tokens [N, B, W] with a few columns [N, W, E], samples last: [N, E, B].

    On a CPU, a matrix product with few columns takes four times as long as the same one with few rows.
    """
    if torch.is_grad_enabled() and weight.requires_grad:
        found: Tensor = _Scores.apply(tokens, weight)  # type: ignore[no-untyped-call]
        return found
    return torch.bmm(weight.transpose(1, 2), tokens.transpose(1, 2))


class _Scores(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tokens: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(tokens, weight)
        return torch.bmm(weight.transpose(1, 2), tokens.transpose(1, 2))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        tokens, weight = ctx.saved_tensors
        of_tokens = torch.bmm(gradient.transpose(1, 2), weight.transpose(1, 2))
        return of_tokens, torch.bmm(gradient, tokens).transpose(1, 2)


def normalise(tokens: Tensor, width: Tensor) -> Tensor:
    """RMS norm (Zhang and Sennrich 2019) of tokens [P, D, B, W] over each row's real width [P, 1, 1, 1]; no gain."""
    if torch.is_grad_enabled() and tokens.requires_grad:
        normed: Tensor = _Norm.apply(tokens, width)  # type: ignore[no-untyped-call]
        return normed
    return tokens * _inverse_norm(tokens, width)


def _inverse_norm(tokens: Tensor, width: Tensor) -> Tensor:
    return torch.rsqrt(torch.linalg.vector_norm(tokens, dim=-1, keepdim=True).square() / width + _EPSILON)


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tokens: Tensor, width: Tensor) -> Tensor:
        scale = _inverse_norm(tokens, width)
        normed = tokens * scale
        ctx.save_for_backward(normed, scale, width)
        return normed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """What would only change a token's length has no influence, but for the epsilon."""
        normed, scale, width = ctx.saved_tensors
        along = (gradient * normed).sum(-1, keepdim=True) / width
        return torch.addcmul(gradient, normed, along, value=-1).mul_(scale), None

"""Scores of tokens, and what a softmax over them leaves out."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

BARRED: Final = -1e30
"""Nothing for a softmax. Unlike infinity, it leaves a softmax over nothing else finite."""


def barred(values: Tensor, allowed: Tensor) -> Tensor:
    """The same where `allowed` is 1. Where it is 0, next to nothing for a softmax."""
    return values + (1 - allowed) * BARRED


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

"""Layers of many networks: a norm, and a further residual layer of some experts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

_EPSILON = 1e-6


def normalise(tokens: Tensor, width: Tensor) -> tuple[Tensor, Tensor]:
    """RMS norm (Zhang and Sennrich 2019) of the first n rows of tokens [P, D, B, W], and the tokens of all rows.

    The norm is over each row's real width [n, 1, 1, 1], and has no gain. Whatever follows reads tokens from here. So
    both of their gradients come together, and are added in one pass.
    """
    if torch.is_grad_enabled() and tokens.requires_grad:
        found: tuple[Tensor, Tensor] = _Norm.apply(tokens, width)  # type: ignore[no-untyped-call]
        return found
    first = tokens[: len(width)]
    return first * _inverse_norm(first, width), tokens


def _inverse_norm(tokens: Tensor, width: Tensor) -> Tensor:
    return torch.rsqrt(torch.linalg.vector_norm(tokens, dim=-1, keepdim=True).square() / width + _EPSILON)


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tokens: Tensor, width: Tensor) -> tuple[Tensor, Tensor]:
        first = tokens[: len(width)]
        scale = _inverse_norm(first, width)
        normed = first * scale
        ctx.save_for_backward(normed, scale, width)
        return normed, tokens

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_normed: Tensor, of_tokens: Tensor) -> tuple[Tensor, None]:
        """What would only change a token's length has no influence, but for the epsilon."""
        normed, scale, width = ctx.saved_tensors
        total, n = torch.empty_like(of_tokens), len(normed)
        along = torch.mul(of_normed, normed, out=total[:n]).sum(-1, keepdim=True) * (scale / width)
        torch.addcmul(of_tokens[:n], of_normed, scale, out=total[:n]).addcmul_(normed, along, value=-1)
        total[n:] = of_tokens[n:]
        return total, None


def deepen(hidden: Tensor, weight: Tensor, bias: Tensor, keep: Tensor | None) -> Tensor:
    """A further residual layer for the first experts of hidden units [E, B, H], as many as there are weights."""
    if torch.is_grad_enabled() and weight.requires_grad:
        deeper: Tensor = _Layer.apply(hidden, weight, bias, keep)  # type: ignore[no-untyped-call]
        return deeper
    return _deepened(hidden, torch.baddbmm(bias.unsqueeze(1), hidden[: len(weight)], weight), keep)


def _deepened(hidden: Tensor, inner: Tensor, keep: Tensor | None) -> Tensor:
    active, n = F.gelu(inner), len(inner)
    deep = hidden[:n] + active if keep is None else torch.addcmul(hidden[:n], active, keep)
    return torch.cat([deep, hidden[n:]]) if n < len(hidden) else deep


class _Layer(torch.autograd.Function):
    """`deepen` with a backward that copies no more than it must."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, keep: Tensor | None) -> Tensor:
        first = hidden[: len(weight)]
        inner = torch.baddbmm(bias.unsqueeze(1), first, weight)
        ctx.save_for_backward(first, weight, inner, keep)
        return _deepened(hidden, inner, keep)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        first, weight, inner, keep = ctx.saved_tensors
        of_active = gradient[: len(weight)] if keep is None else gradient[: len(weight)] * keep
        of_inner = torch.ops.aten.gelu_backward(of_active, inner)
        of_hidden = gradient.clone()
        of_hidden[: len(weight)].baddbmm_(of_inner, weight.transpose(1, 2))
        return of_hidden, torch.bmm(first.transpose(1, 2), of_inner), of_inner.sum(1), None

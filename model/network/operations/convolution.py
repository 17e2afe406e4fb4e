"""Convolution over time of each unit by itself, GELU, and the maximum over time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


def most_active(units: Tensor, kernel: Tensor, steps: Tensor) -> Tensor:
    """The most active step of convolved units [U, B].

    A kernel is short, so a product for each of its places is faster than a convolution of so many channels.

    Args:
        units: Of each step [U, B, T].
        kernel: Of each unit [U, K].
        steps: Which steps are real [B, T]. The others count as zeros, and are never the most active ones.
    """
    if torch.is_grad_enabled() and units.requires_grad:
        found: Tensor = _MostActive.apply(units, kernel, steps)  # type: ignore[no-untyped-call]
        return found
    inner = _convolved(_padded(units, kernel, steps), kernel)
    return (F.gelu(inner) + outside(steps, inner)).amax(2)


def outside(steps: Tensor, like: Tensor) -> Tensor:
    """Minus infinity after a sample's real steps and 0 within them, [B, T]. To add it is faster than to fill."""
    return torch.zeros(steps.shape, dtype=like.dtype, device=like.device).masked_fill_(~steps, float("-inf"))


def _padded(units: Tensor, kernel: Tensor, steps: Tensor) -> Tensor:
    """Zeros around, so that there are as many steps after the convolution: [U, B, T + K - 1]."""
    around = kernel.shape[1] - 1
    return F.pad(units * steps.to(units.dtype), (around // 2, around - around // 2))


def _convolved(padded: Tensor, kernel: Tensor) -> Tensor:
    """A sum over the places of the kernel [U, B, T]."""
    K = kernel.shape[1]
    T = padded.shape[2] - K + 1
    total = padded[:, :, :T] * kernel[:, :1, None]
    for place in range(1, K):
        total = torch.addcmul(total, padded[:, :, place : place + T], kernel[:, place, None, None])
    return total


class _MostActive(torch.autograd.Function):
    """`most_active`, in whose backward only the most active steps count."""

    @staticmethod
    def forward(ctx: Any, units: Tensor, kernel: Tensor, steps: Tensor) -> Tensor:
        padded = _padded(units, kernel, steps)
        inner = _convolved(padded, kernel)
        most, step = (F.gelu(inner) + outside(steps, inner)).max(2, keepdim=True)
        window = step + torch.arange(kernel.shape[1], device=step.device)  # [U, B, K]
        ctx.save_for_backward(padded.gather(2, window), inner.gather(2, step), window, kernel, steps)
        return most.squeeze(2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        read, inner, window, kernel, steps = ctx.saved_tensors
        of_inner = torch.ops.aten.gelu_backward(gradient.unsqueeze(2), inner)  # [U, B, 1]
        around = kernel.shape[1] - 1
        of_padded = read.new_zeros(*read.shape[:2], steps.shape[1] + around)
        of_padded.scatter_(2, window, of_inner * kernel.unsqueeze(1))
        of_units = of_padded[:, :, around // 2 : around // 2 + steps.shape[1]] * steps.to(read.dtype)
        return of_units, (read * of_inner).sum(1), None

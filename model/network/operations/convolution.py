"""Convolution over time of each unit by itself, GELU, and the maximum over time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from haemsa.model.network.batch import Steps


def most_active(units: Tensor, kernel: Tensor, steps: Steps) -> Tensor:
    """The most active step of convolved units [U, B].

    A kernel is short, so a product for each of its places is faster than a convolution of so many channels.

    Args:
        units: Of each step [U, S].
        kernel: Of each unit [U, K].
        steps: The steps. Those that are not real count as zeros, and are never the most active ones.
    """
    if torch.is_grad_enabled() and units.requires_grad:
        found: Tensor = _MostActive.apply(units, kernel, steps)  # type: ignore[no-untyped-call]
        return found
    return torch.cat([active.amax(2) for active in _activity(units, kernel, steps)], 1)


def _activity(units: Tensor, kernel: Tensor, steps: Steps) -> list[Tensor]:
    """How active each step is, for each block [U, b, t]."""
    S, K = units.shape[1], kernel.shape[1]
    padded = F.pad(units, ((K - 1) // 2, K // 2))
    read_at = _read_by(kernel).unsqueeze(1) + steps.number  # [K, S]
    inside = ((read_at >= 0) & (read_at < steps.length)).to(units.dtype)
    total = padded[:, :S] * (kernel[:, :1] * inside[0])
    for place in range(1, K):
        total = torch.addcmul(total, padded[:, place : place + S], kernel[:, place : place + 1] * inside[place])
    return steps.by_block(F.gelu(total) + steps.outside)


def _read_by(kernel: Tensor) -> Tensor:
    """The steps that the convolution of a step reads, counted from it on [K]."""
    K = kernel.shape[1]
    return torch.arange(K, device=kernel.device) - (K - 1) // 2


class _MostActive(torch.autograd.Function):
    """`most_active`, in whose backward only the most active steps count."""

    @staticmethod
    def forward(ctx: Any, units: Tensor, kernel: Tensor, steps: Steps) -> Tensor:
        found = [active.max(2) for active in _activity(units, kernel, steps)]
        most, number = (torch.cat(part, 1) for part in zip(*found, strict=True))
        read_at = number.unsqueeze(2) + _read_by(kernel)  # [U, B, K]
        start = steps.starts
        inside = ((read_at >= 0) & (read_at < steps.length.index_select(0, start).unsqueeze(1))).to(units.dtype)
        read_at = (read_at + start.unsqueeze(1)).clamp_(0, units.shape[1] - 1)
        read = units.gather(1, read_at.flatten(1)).view(read_at.shape).mul_(inside)
        ctx.shape = units.shape
        ctx.save_for_backward(read, read_at, inside, kernel)
        return most

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        read, read_at, inside, kernel = ctx.saved_tensors
        inner = (read * kernel.unsqueeze(1)).sum(2)
        of_inner = torch.ops.aten.gelu_backward(gradient, inner).unsqueeze(2)  # [U, B, 1]
        of_read = (of_inner * kernel.unsqueeze(1)).mul_(inside)
        of_units = read.new_zeros(ctx.shape).scatter_add_(1, read_at.flatten(1), of_read.flatten(1))
        return of_units, (read * of_inner).sum(1), None

"""Weighted sums of tokens: the first global token, and what a level adds."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def with_global(local: Tensor, stand_ins: Tensor | None, present: Tensor | None, shares: Tensor) -> Tensor:
    """Local tokens and the global one, which mixes them: [P, M + 1, B, W].

    Args:
        local: Of each modality [P, M, B, W].
        stand_ins: What replaces absent ones [P, M, 1, W]; None: nothing is absent.
        present: 1 for present ones and 0 for absent ones [P, M, B].
        shares: Of each local token in the global one [P, M, B].
    """
    if torch.is_grad_enabled() and local.requires_grad:
        tokens: Tensor = _WithGlobal.apply(local, stand_ins, present, shares)  # type: ignore[no-untyped-call]
        return tokens
    return _with_global(local, stand_ins, present, shares)


def _with_global(local: Tensor, stand_ins: Tensor | None, present: Tensor | None, shares: Tensor) -> Tensor:
    if stand_ins is not None and present is not None:
        local = torch.lerp(stand_ins, local, present.unsqueeze(-1))
    return torch.cat([local, (local * shares.unsqueeze(-1)).sum(1, keepdim=True)], 1)


class _WithGlobal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, local: Tensor, stand_ins: Tensor | None, present: Tensor | None, shares: Tensor) -> Tensor:
        tokens = _with_global(local, stand_ins, present, shares)
        ctx.save_for_backward(tokens, present, shares)
        return tokens

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None, None, Tensor]:
        tokens, present, shares = ctx.saved_tensors
        own, mixed = gradient[:, :-1], gradient[:, -1:]
        of_shares = (tokens[:, :-1] * mixed).sum(-1)
        of_local = torch.addcmul(own, shares.unsqueeze(-1), mixed)
        if present is None:
            return of_local, None, None, of_shares
        of_stand_ins = torch.matmul((1 - present).unsqueeze(2), of_local)
        return of_local.mul_(present.unsqueeze(-1)), of_stand_ins, None, of_shares


def add_mixed(tokens: Tensor, weights: Tensor, outputs: Tensor) -> Tensor:
    """Add experts' outputs [n, E, B, W] under weights [n, D, E, B] to tokens [P, D, B, W] of the first n rows.

    There are few experts and few tokens: on a CPU, a product for each is faster than many small matrix products.
    """
    if torch.is_grad_enabled() and tokens.requires_grad:
        mixed: Tensor = _Mixture.apply(tokens, weights, outputs)  # type: ignore[no-untyped-call]
        return mixed
    return _add_mixed(tokens, weights, outputs)


def _add_mixed(tokens: Tensor, weights: Tensor, outputs: Tensor) -> Tensor:
    mixed = tokens.clone()
    first = mixed[: len(outputs)]
    for expert in range(outputs.shape[1]):
        first.addcmul_(weights[:, :, expert].unsqueeze(-1), outputs[:, expert].unsqueeze(1))
    return mixed


class _Mixture(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tokens: Tensor, weights: Tensor, outputs: Tensor) -> Tensor:
        ctx.save_for_backward(weights, outputs)
        return _add_mixed(tokens, weights, outputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        weights, outputs = ctx.saved_tensors
        first = gradient[: len(outputs)]
        of_weights, of_outputs, product = (torch.empty_like(like) for like in (weights, outputs, first))
        for expert in range(outputs.shape[1]):
            torch.mul(first, outputs[:, expert].unsqueeze(1), out=product)
            torch.sum(product, -1, out=of_weights[:, :, expert])
            torch.mul(first, weights[:, :, expert].unsqueeze(-1), out=product)
            torch.sum(product, 1, out=of_outputs[:, expert])
        return gradient, of_weights, of_outputs

"""The tokens of a row become one, under a softmax of their scores."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from haemsa.model.network.operations.scoring import scores


def pool_by_scores(tokens: Tensor, weight: Tensor, bias: Tensor, usable: Tensor) -> Tensor:
    """The sum of tokens [P, D, B, W] under their shares: [P, B, W].

    Args:
        tokens: Of each row and sample.
        weight: Each row's scores of tokens [P, W, 1].
        bias: Of each token's score [P, D, 1].
        usable: Which tokens have a share at all, bool [P, D, B or 1].
    """
    if torch.is_grad_enabled() and weight.requires_grad:
        found: Tensor = _Pool.apply(tokens, weight, bias, usable)  # type: ignore[no-untyped-call]
        return found
    return pool(token_shares(tokens, weight, bias, usable), tokens)


def token_shares(tokens: Tensor, weight: Tensor, bias: Tensor, usable: Tensor) -> Tensor:
    """The share of each token [P, D, B]. Shares sum to 1 over D."""
    P, D, B, W = tokens.shape
    found = scores(tokens.reshape(P, D * B, W), weight).view(P, D, B) + bias
    return found.masked_fill(~usable, -torch.inf).softmax(1)


def pool(shares: Tensor, tokens: Tensor) -> Tensor:
    """The sum of tokens [P, D, B, W], weighted by shares [P, D, B]: [P, B, W]."""
    total = shares[:, 0].unsqueeze(-1) * tokens[:, 0]
    for token in range(1, tokens.shape[1]):
        total.addcmul_(shares[:, token].unsqueeze(-1), tokens[:, token])
    return total


class _Pool(torch.autograd.Function):
    """`pool_by_scores` with a backward that passes over the tokens as seldom as can be."""

    @staticmethod
    def forward(ctx: Any, tokens: Tensor, weight: Tensor, bias: Tensor, usable: Tensor) -> Tensor:
        shares = token_shares(tokens, weight, bias, usable)
        ctx.save_for_backward(tokens, weight, shares)
        return pool(shares, tokens)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        tokens, weight, shares = ctx.saved_tensors
        of_pooled = gradient.unsqueeze(1)
        of_tokens = tokens * of_pooled
        of_scores = torch.ops.aten._softmax_backward_data(of_tokens.sum(-1), shares, 1, shares.dtype)
        of_weight = torch.bmm(of_scores.flatten(1).unsqueeze(1), tokens.flatten(1, 2)).transpose(1, 2)
        torch.mul(of_pooled, shares.unsqueeze(-1), out=of_tokens)
        of_tokens.addcmul_(of_scores.unsqueeze(-1), weight.view(len(weight), 1, 1, -1))
        return of_tokens, of_weight, of_scores.sum(-1, keepdim=True), None

"""Attention of many queries to the time steps of samples that all of them share. No step is projected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from haemsa.model.network.batch import Steps


def attend(queries: Tensor, steps: Steps) -> Tensor:
    """What each query reads of each sample: its steps, weighted by a softmax of their products with the query.

    Args:
        queries: One for all samples [n, D], or one for each [n, B, D].
        steps: The steps of the samples.

    Returns:
        Features [n, B, D].
    """
    if torch.is_grad_enabled() and queries.requires_grad:
        read: Tensor = _Attention.apply(queries, steps.features, steps)  # type: ignore[no-untyped-call]
        return read
    return _sums(_shares(queries, steps), steps)


def _shares(queries: Tensor, steps: Steps) -> list[Tensor]:
    """How much each query takes of each step, for each block [b, n, t]."""
    if queries.dim() == 2:
        scores = torch.mm(queries, steps.features.t()) + steps.outside  # [n, S]
        return [part.softmax(-1).transpose(0, 1) for part in steps.by_block(scores)]
    asked = _by_block(queries, steps)
    return [
        (torch.bmm(query, features.transpose(1, 2)) + outside.unsqueeze(1)).softmax(-1)
        for query, features, outside in zip(asked, steps.samples, steps.by_block(steps.outside), strict=True)
    ]


def _by_block(by_sample: Tensor, steps: Steps) -> Sequence[Tensor]:
    """What belongs to samples [n, B, D], for each block [b, n, D]."""
    found = by_sample.transpose(0, 1)
    return torch.split(found, [samples for samples, _ in steps.blocks]) if len(steps.blocks) > 1 else [found]


def _sums(weights: Sequence[Tensor], steps: Steps) -> Tensor:
    """Sums of steps [n, B, D] under weights, for each block [b, n, t]."""
    if len(weights) == 1:
        return torch.bmm(weights[0], steps.samples[0]).transpose(0, 1)
    samples = [count for count, _ in steps.blocks]
    found = steps.features.new_empty(sum(samples), weights[0].shape[1], steps.features.shape[1])
    for weight, features, part in zip(weights, steps.samples, torch.split(found, samples), strict=True):
        torch.bmm(weight, features, out=part)
    return found.transpose(0, 1)


class _Attention(torch.autograd.Function):
    """`attend` with a backward whose matrix products need no copies."""

    @staticmethod
    def forward(ctx: Any, queries: Tensor, _: Tensor, steps: Steps) -> Tensor:
        shares = _shares(queries, steps)
        ctx.steps = steps
        ctx.save_for_backward(queries, *shares)
        return _sums(shares, steps)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None, None]:
        steps, (queries, *shares) = ctx.steps, ctx.saved_tensors
        of_sums = _by_block(gradient, steps)
        of_scores = [
            _through_softmax(torch.bmm(of_sum, features.transpose(1, 2)), share)
            for of_sum, features, share in zip(of_sums, steps.samples, shares, strict=True)
        ]
        of_features = None
        if ctx.needs_input_grad[1]:
            asked = [queries] * len(shares) if queries.dim() == 2 else _by_block(queries, steps)
            parts = [
                torch.bmm(share.transpose(1, 2), of_sum) + torch.matmul(of_score.transpose(1, 2), query)
                for share, of_sum, of_score, query in zip(shares, of_sums, of_scores, asked, strict=True)
            ]
            of_features = torch.cat([part.flatten(0, 1) for part in parts])
        if queries.dim() == 3:
            return _sums(of_scores, steps), of_features, None
        of_every = gradient.new_empty(len(queries), len(steps.features))
        for part, of_score in zip(steps.by_block(of_every), of_scores, strict=True):
            part.copy_(of_score.transpose(0, 1))
        return torch.mm(of_every, steps.features), of_features, None


def _through_softmax(gradient: Tensor, share: Tensor) -> Tensor:
    """The gradient of scores from that of their softmax."""
    found: Tensor = torch.ops.aten._softmax_backward_data(gradient, share, -1, share.dtype)
    return found

"""The input of networks: padded samples, their statistics, and the targets of tasks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Steps:
    """The time steps of one modality, of all samples on one axis S.

    Neighbours of like length are a block, in which all samples are padded to equally many steps.
    """

    features: Tensor  # [S, D]
    number: Tensor  # int64 [S], of each step within its sample
    length: Tensor  # int64 [S], how many steps of its sample are real, at least 1
    blocks: tuple[tuple[int, int], ...]  # how many samples and steps each block has

    @classmethod
    def padded(cls, features: Tensor, lengths: Tensor) -> Steps:
        """One block of all samples, from features [B, T, D] and how many steps are real [B]."""
        samples, steps = features.shape[:2]
        number = torch.arange(steps, device=lengths.device).expand(samples, -1)
        length = lengths.unsqueeze(1).expand(-1, steps)
        return cls(features.flatten(0, 1), number.flatten(), length.flatten(), ((samples, steps),))

    @property
    def real(self) -> Tensor:
        """Which steps are no padding, bool [S]."""
        return self.number < self.length

    @cached_property
    def outside(self) -> Tensor:
        """Minus infinity for padding and 0 for real steps [S]. To add it is faster than to fill."""
        zeros = torch.zeros(self.number.shape, dtype=self.features.dtype, device=self.number.device)
        return zeros.masked_fill_(~self.real, float("-inf"))

    @cached_property
    def samples(self) -> list[Tensor]:
        """The features of each block [b, t, D]."""
        parts = torch.split(self.features, self._sizes) if len(self.blocks) > 1 else [self.features]
        return [part.view(*block, part.shape[1]) for part, block in zip(parts, self.blocks, strict=True)]

    def by_block(self, values: Tensor) -> list[Tensor]:
        """What there is of each step [..., S], for each block [..., b, t]."""
        parts = torch.split(values, self._sizes, -1) if len(self.blocks) > 1 else [values]
        return [part.view(*part.shape[:-1], *block) for part, block in zip(parts, self.blocks, strict=True)]

    @cached_property
    def starts(self) -> Tensor:
        """Where each sample begins on the axis S, int64 [B]."""
        starts, done = list[Tensor](), 0
        for (_, steps), size in zip(self.blocks, self._sizes, strict=True):
            starts.append(torch.arange(done, done + size, steps, device=self.number.device))
            done += size
        return torch.cat(starts)

    @property
    def _sizes(self) -> list[int]:
        return [samples * steps for samples, steps in self.blocks]


@dataclass(frozen=True)
class Batch:
    """Samples that all rows share. Every mapping is by modality, and absent or padded features are zero."""

    steps: Mapping[str, Steps]
    means: Mapping[str, Tensor]  # [B, D], over the real steps
    present: Mapping[str, Tensor]  # bool [B]
    complete: bool  # whether every modality is present in every sample
    order: Tensor | None = None  # int32 [B], the place of each sample among those that were drawn; None: the same

    @property
    def samples(self) -> int:
        """How many there are."""
        return len(next(iter(self.present.values())))

    def hiding(self, names: Collection[str]) -> Batch:
        """The same samples without these modalities."""
        present = {name: torch.zeros_like(here) if name in names else here for name, here in self.present.items()}
        return replace(self, present=present, complete=self.complete and not names)


class Moments(NamedTuple):
    """The mean and the inverse of the standard deviation of each feature in each fold [F, D]."""

    mean: Tensor
    scale: Tensor


@dataclass(frozen=True)
class FeatureStatistics:
    """Moments by modality: of features averaged over time (for encoders that pool first), and of single steps."""

    pooled: Mapping[str, Moments]
    steps: Mapping[str, Moments]


class Targets(NamedTuple):
    """Labels of one task [B, C], or class numbers [B, 1]. `known` is 1 for each known one; the others are 0 in both."""

    values: Tensor
    known: Tensor


class TargetScale(NamedTuple):
    """Mean and standard deviation of a regression target per row [P, 1, 1]."""

    mean: Tensor
    deviation: Tensor

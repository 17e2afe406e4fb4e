"""The input of networks: padded samples, their statistics, and the targets of tasks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Samples that all rows share. Every mapping is by modality, and absent or padded features are zero."""

    features: Mapping[str, Tensor]  # [B, T, D]
    means: Mapping[str, Tensor]  # [B, D], over the real steps
    steps: Mapping[str, Tensor]  # bool [B, T], at least one true
    present: Mapping[str, Tensor]  # bool [B]
    complete: bool  # whether every modality is present in every sample

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

"""Means with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 10_000


class Interval(NamedTuple):
    """A mean, and the ends of its interval."""

    mean: float
    low: float
    high: float


def mean_interval(values: Sequence[float], level: float = 0.95, seed: int = 0) -> Interval:
    """The mean, and its percentile bootstrap interval. Raises ValueError for no values."""
    array = np.asarray(values, dtype=np.float64)
    if not len(array):
        raise ValueError("there are no values, expected at least one")
    picks = np.random.default_rng(seed).integers(len(array), size=(RESAMPLES, len(array)))
    low, high = np.quantile(array[picks].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(array.mean()), float(low), float(high))


def paired_interval(ours: Sequence[float], theirs: Sequence[float], level: float = 0.95, seed: int = 0) -> Interval:
    """The same for differences of pairs, ours minus theirs. Raises ValueError for unequal numbers."""
    return mean_interval([a - b for a, b in zip(ours, theirs, strict=True)], level, seed)

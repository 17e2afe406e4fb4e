"""How sure one can be that one model is better than another: a paired bootstrap over groups of test samples.

Axes: `S` seeds, `N` samples, `C` outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.task import Task

RESAMPLES: Final = 1000
LEVEL: Final = 0.95
LEAST_GROUPS: Final = 10
Outputs = NDArray[np.float32]


@dataclass(frozen=True)
class Difference:
    """A model's metric less another's, the mean over seeds; and the interval that holds 95% of its resamples."""

    mean: float
    low: float
    high: float

    def wins(self, *, minimise: bool) -> bool | None:
        """Whether the first model is better, beyond the interval; None where it holds 0."""
        if not self.low * self.high > 0:  # also where a metric is undefined in too many resamples
            return None
        return (self.high < 0) == minimise


def paired_difference(
    metric: Callable[[Task, Outputs], float],
    task: Task,
    groups: NDArray[np.int64],
    ours: Outputs,
    theirs: Outputs,
    rng: np.random.Generator,
) -> Difference:
    """Of a metric on N samples of a task; outputs are [S, N, C], seeds of both sides need not be as many.

    Whole groups are drawn, since samples of one video or speaker are alike (Efron and Tibshirani 1993, chapter 8);
    where they are fewer than `LEAST_GROUPS`, samples.
    """
    if len(np.unique(groups)) < LEAST_GROUPS:
        groups = np.arange(len(groups))
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)

    def difference(samples: NDArray[np.int64]) -> float:
        drawn = task.take(samples)
        each = [np.mean([metric(drawn, outputs[samples]) for outputs in side]) for side in (ours, theirs)]
        return float(each[0] - each[1])

    draws = (rng.integers(len(members), size=len(members)) for _ in range(RESAMPLES))
    values = [difference(np.concatenate([members[group] for group in draw])) for draw in draws]
    low, high = np.nanquantile(values, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Difference(difference(np.arange(len(groups))), float(low), float(high))

"""How sure it is that one model is better than another: a paired bootstrap over groups of test samples.

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
    """One model's metric minus that of another, a mean over seeds, and the interval that holds 95% of resamples."""

    mean: float
    low: float
    high: float

    def wins(self, *, minimise: bool) -> bool | None:
        """Whether the first model is better. None if the interval holds 0, so that nothing is sure.

        Example:
            >>> Difference(-0.1, -0.2, -0.05).wins(minimise=True)
            True
        """
        if not self.low * self.high > 0:  # also if the metric is undefined in too many resamples
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
    """The difference of two models on the N samples of a task.

    Whole groups are drawn, because samples of one video or speaker are alike (Efron and Tibshirani, "An introduction to
    the bootstrap", 1993, chapter 8). Samples are drawn if there are fewer than `LEAST_GROUPS` groups.

    Args:
        metric: Takes a task and outputs [N, C].
        task: The labels.
        groups: The group of each sample [N].
        ours: Outputs of the first model [S, N, C].
        theirs: Outputs of the second model [S, N, C]. It may have another number of seeds.
        rng: Draws the groups.
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

"""How sure it is that one model is better than another: a paired bootstrap over groups of test samples.

Axes: `S` seeds, `N` samples, `C` outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.shared.bootstrap import intervals
from haemsa.model.data.task import Task

Outputs = NDArray[np.float32]


@dataclass(frozen=True)
class Difference:
    """One model's metric minus that of another, a mean over seeds, and its 95% interval."""

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
    """The difference of two models on the N samples of a task. Whole groups are drawn (`intervals`).

    Args:
        metric: Takes a task and outputs [N, C].
        task: The labels.
        groups: The group of each sample [N].
        ours: Outputs of the first model [S, N, C].
        theirs: Outputs of the second model [S, N, C]. It may have another number of seeds.
        rng: Draws the groups.
    """

    def difference(samples: NDArray[np.int64]) -> float:
        drawn = task.take(samples)
        each = [np.mean([metric(drawn, outputs[samples]) for outputs in side]) for side in (ours, theirs)]
        return float(each[0] - each[1])

    ((low, high),) = intervals(lambda drawn: [difference(drawn)], groups, rng)
    return Difference(difference(np.arange(len(groups))), low, high)

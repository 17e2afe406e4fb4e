"""Intervals of figures over the samples that gave them, by the bootstrap of scipy. Whole groups are drawn.

Samples of one video or speaker are alike, so a group is drawn or left out as a whole (Efron and Tibshirani, "An
introduction to the bootstrap", 1993, chapter 8). Axes: `G` groups, `M` figures, `S` seeds,
`N` samples, `C` outputs.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.bounds import within
from haemsa.model.data.task import Task
from haemsa.model.metrics import direction, primary, task_metrics

RESAMPLES: Final = 1000
LEAST_RESAMPLES: Final = 100
"""Draws where there are very many samples, so that each draw takes long."""
LEVEL: Final = 0.95
LEAST_GROUPS: Final = 10
MOST_CORRECTED: Final = 1000
"""With more groups, percentiles are taken. BCa leaves out each group once, and then it hardly differs from them."""
_WORK: Final = 20_000_000
"""About so many samples are drawn in all."""
Outputs = NDArray[np.float32]


def drawn_units(groups: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The samples that are drawn together: those of each group, or each sample if there are fewer than `LEAST_GROUPS`.

    Example:
        >>> [len(unit) for unit in drawn_units(np.arange(24) // 2)]
        [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]
    """
    if len(np.unique(groups)) < LEAST_GROUPS:
        groups = np.arange(len(groups))
    order = np.argsort(groups, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)


def intervals(
    figures: Callable[[NDArray[np.int64]], Sequence[float]], groups: NDArray[np.int64], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """The interval of each figure: bias-corrected and accelerated (BCa), for the level `LEVEL`.

    Args:
        figures: Takes indices of samples, and gives M figures of these samples.
        groups: The group of each sample.
        rng: Draws the groups.

    Returns:
        The low and the high end for each figure. Where BCa is undefined, because all draws are alike or the figure is
        undefined for one of them, these are percentiles of the other draws. NaN for a single sample.

    Example:
        >>> y = np.arange(100) % 2
        >>> ((low, high),) = intervals(lambda drawn: [y[drawn].mean()], np.arange(100), np.random.default_rng(0))
        >>> 0.38 < low < 0.42 < 0.58 < high < 0.62
        True
    """
    from scipy.stats import bootstrap

    units = drawn_units(groups)
    if len(units) < 2:
        return [(math.nan, math.nan) for _ in figures(np.arange(len(groups)))]

    def statistic(drawn: NDArray[Any], axis: int = -1) -> NDArray[np.float64]:
        """The figures [M, ...] of draws [..., G]."""
        rows = np.moveaxis(drawn, axis, -1).reshape(-1, drawn.shape[axis])
        each = np.array([figures(np.concatenate([units[unit] for unit in row])) for row in rows], dtype=np.float64)
        return np.moveaxis(each.reshape(*drawn.shape[:-1], -1), -1, 0)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where all draws are alike, scipy warns and gives NaN
        found = bootstrap(
            (np.arange(len(units)),),
            statistic,
            vectorized=True,
            axis=-1,
            n_resamples=int(np.clip(_WORK // len(groups), LEAST_RESAMPLES, RESAMPLES)),
            confidence_level=LEVEL,
            method="BCa" if len(units) <= MOST_CORRECTED else "percentile",
            batch=max(1, 1_000_000 // len(units)),
            rng=rng,
        )
        percentiles = np.nanquantile(found.bootstrap_distribution, ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=-1)
    ends = np.stack(found.confidence_interval)
    low, high = np.where(np.isfinite(ends).all(axis=0), ends, percentiles)
    return list(zip(low.tolist(), high.tolist(), strict=True))


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
    metric: str, task: Task, groups: NDArray[np.int64], ours: Outputs, theirs: Outputs, rng: np.random.Generator
) -> Difference:
    """The difference of two models in a metric, on the N samples of a task. Whole groups are drawn (`intervals`).

    Args:
        metric: The name of the metric.
        task: The labels. Every sample has one.
        groups: The group of each sample [N].
        ours: Outputs of the first model [S, N, C].
        theirs: Outputs of the second model [S, N, C]. It may have another number of seeds.
        rng: Draws the groups.

    Example:
        >>> task = Task("regression", np.zeros(40, np.float32))
        >>> sides = np.full((5, 40, 1), 1.0), np.full((1, 40, 1), 3.0)
        >>> found = paired_difference("mae", task, np.arange(40), *sides, np.random.default_rng(0))
        >>> (found.mean, found.low, found.high)
        (-2.0, -2.0, -2.0)
    """
    ours_of, theirs_of = (_figure(metric, task, side) for side in (ours, theirs))

    def difference(samples: NDArray[np.int64]) -> float:
        return ours_of(samples) - theirs_of(samples)

    ((low, high),) = intervals(lambda drawn: [difference(drawn)], groups, rng)
    return Difference(difference(np.arange(len(groups))), low, high)


def _figure(metric: str, task: Task, side: Outputs) -> Callable[[NDArray[np.int64]], float]:
    """The metric of some of the samples, a mean over seeds."""
    values = sample_values(task, metric, side)
    if values is not None:
        mean = values.mean(axis=0)
        return lambda samples: float(mean[samples].mean())

    def scored(samples: NDArray[np.int64]) -> float:
        drawn = task.take(samples)
        return float(np.mean([task_metrics(drawn, drawn.targets, outputs[samples])[metric] for outputs in side]))

    return scored


def gain(
    task: Task, groups: NDArray[np.int64], better: Outputs, worse: Outputs, rng: np.random.Generator
) -> Difference:
    """How much better some outputs are than others in the main metric of a task. Above 0: the first are better.

    Args:
        task: The labels. Samples without a label are left out.
        groups: The group of each sample [N].
        better: The outputs [N, C] that are expected to be better.
        worse: The other outputs [N, C].
        rng: Draws the groups.

    Example:
        >>> task = Task("regression", np.zeros(40, np.float32))
        >>> found = gain(task, np.arange(40), np.ones((40, 1)), np.full((40, 1), 3.0), np.random.default_rng(0))
        >>> (found.mean, found.low, found.high)
        (2.0, 2.0, 2.0)
    """
    known, metric = np.flatnonzero(task.labelled), primary(task)
    first, second = (better, worse) if direction(metric) == "max" else (worse, better)
    return paired_difference(metric, task.take(known), groups[known], first[None, known], second[None, known], rng)


def sample_values(task: Task, metric: str, outputs: Outputs) -> NDArray[np.float64] | None:
    """What each sample adds to a metric that is a mean over samples. So no draw has to compute the metric anew.

    Args:
        task: The labels.
        metric: The name of the metric.
        outputs: The outputs [N, C], or those of several seeds [S, N, C].

    Returns:
        The error of each sample [N] or [S, N], or 1 where its class is right; NaN without a label. None for any metric
        but the mean absolute error and the accuracy of classes.

    Example:
        >>> mood = Task("classes", np.array([0, 1, -1]), labels=("sad", "happy"))
        >>> sample_values(mood, "accuracy", np.array([[0.9, 0.1], [0.6, 0.4], [0.5, 0.5]])).tolist()
        [1.0, 0.0, nan]
    """
    if task.kind == "regression" and metric == "mae":
        return np.asarray(np.abs(task.targets - within(outputs[..., 0].astype(np.float64), task.bounds)))
    if task.kind == "classes" and metric == "accuracy":
        return np.where(task.labelled, outputs.argmax(axis=-1) == task.targets, np.nan)
    return None

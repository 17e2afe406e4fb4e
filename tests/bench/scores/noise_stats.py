"""How well scores predict fresh test runs: rank correlations and optimism, with bootstrap intervals over genomes.

Axes: `K` pairs of a score and the fresh runs that it is judged by, `n` genomes, `S` resamples of them. Lower is
better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from tests.bench.shared.stats import Interval

Array = NDArray[np.float64]
Picks = NDArray[np.int64]
QUARTER = 0.25
RESAMPLES = 2000


@dataclass(frozen=True, eq=False)
class Judged:
    """A score, several times over, each with other runs to judge it by: both [K, n]. No run is in both of a pair."""

    score: Array
    fresh: Array

    def take(self, picks: Picks) -> tuple[Array, Array]:
        """Both for picked genomes [S, n]: [K, S, n]."""
        return self.score[:, picks], self.fresh[:, picks]


def spearman(a: Array, b: Array) -> Array:
    """Rank correlation along the last axis. Equal values share their mean rank. 0 if all are equal."""
    x, y = (rankdata(values, axis=-1) for values in (a, b))
    x, y = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    scale = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    return np.divide((x * y).sum(axis=-1), scale, out=np.zeros_like(scale), where=scale > 0)


def among_best(score: Array, fresh: Array, by: Array, share: float) -> Array:
    """Rank correlation along the last axis among the share of genomes that is best `by` something."""
    best = _best(by, score.shape, share)
    return spearman(np.take_along_axis(score, best, -1), np.take_along_axis(fresh, best, -1))


def optimism(score: Array, fresh: Array, by: Array | None = None) -> Array:
    """How much more the best by score loses on fresh test runs than genomes do on average (the best quarter `by`)."""
    gap = fresh - score
    usual = gap if by is None else np.take_along_axis(gap, _best(by, gap.shape, QUARTER), -1)
    return _at_best(score, gap) - usual.mean(axis=-1)


def chosen(score: Array, fresh: Array) -> Array:
    """Fresh test error of the best by score."""
    return _at_best(score, fresh)


def _best(by: Array, shape: tuple[int, ...], share: float) -> NDArray[np.int64]:
    count = max(2, round(share * shape[-1]))
    return np.argsort(np.broadcast_to(by, shape), axis=-1, kind="stable")[..., :count]


def _at_best(score: Array, values: Array) -> Array:
    return np.take_along_axis(values, score.argmin(axis=-1)[..., None], -1)[..., 0]


Statistic = Callable[[Picks], Array]
"""A figure for each resample: genomes [S, n] to [K, S]."""


def interval(statistic: Statistic, count: int, seed: int = 0) -> Interval:
    """The figure of all `count` genomes, and its percentile interval over resamples of them."""
    found = resampled(statistic, count, seed)
    return Interval(float(found[0]), *map(float, np.quantile(found[1:], [0.025, 0.975])))


def difference(a: Statistic, b: Statistic, count: int, seed: int = 0) -> Interval:
    """The same for a minus b, on the same resamples."""
    found = resampled(a, count, seed) - resampled(b, count, seed)
    return Interval(float(found[0]), *map(float, np.quantile(found[1:], [0.025, 0.975])))


def resampled(statistic: Statistic, count: int, seed: int = 0) -> Array:
    """[1 + S]: the figure of all genomes, then of resamples with replacement; the mean over pairs."""
    rng = np.random.default_rng(seed)
    picks = np.concatenate([np.arange(count)[None], rng.integers(count, size=(RESAMPLES, count))])
    return np.asarray(statistic(picks)).reshape(-1, len(picks)).mean(axis=0)


def pairs(runs: Array, fresh: Array, size: int) -> Judged:
    """Judge means over `size` of the runs by the mean of all the others' test errors.

    runs, fresh: [2, R, n], scores and test errors of two sets of runs; each set's scores are judged by the other set.
    """
    count = runs.shape[1] // size
    means = runs[:, : count * size].reshape(2, count, size, -1).mean(axis=2)
    others = np.repeat(fresh.mean(axis=1)[::-1, None], count, axis=1)
    return Judged(means.reshape(2 * count, -1), others.reshape(2 * count, -1))


def against_both(score: Array, fresh: Array) -> Judged:
    """Judge one score [n] by each of the two sets of test errors [2, R, n]."""
    return Judged(np.repeat(score[None], 2, axis=0), fresh.mean(axis=1))

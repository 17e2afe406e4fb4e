"""Intervals of figures over the samples that gave them, by the bootstrap of scipy. Whole groups are drawn.

Samples of one video or speaker are alike, so a group is drawn or left out as a whole (Efron and Tibshirani, "An
introduction to the bootstrap", 1993, chapter 8). Axes: `G` groups, `M` figures.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

RESAMPLES: Final = 1000
LEAST_RESAMPLES: Final = 100
"""Draws where there are very many samples, so that each draw takes long."""
LEVEL: Final = 0.95
LEAST_GROUPS: Final = 10
MOST_CORRECTED: Final = 1000
"""With more groups, percentiles are taken. BCa leaves out each group once, and then it hardly differs from them."""
_WORK: Final = 20_000_000
"""About so many samples are drawn in all."""


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

"""Ranks and crowding of thousands of rows, as pure functions on arrays of minimised losses `[n, k]`.

Source: Deb, Pratap, Agarwal, Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE TEC 2002.
The archive and the rungs hold all that was evaluated, too much for DEAP's sort. DEAP chooses parents and survivors, who
are few (operators/selection.py).

Everything is stable: of equal rows, the one with the lower index comes first. So equal inputs give equal results on
every machine.
"""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import NDArray

Losses = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]


def non_dominated_ranks(losses: Losses) -> Indices:
    """Rank `[n]` of every row: 0 for the front, 1 for the front of the other rows, and so on.

    Example:
        >>> non_dominated_ranks(np.array([[1.0, 4.0], [2.0, 4.0], [2.0, 3.0]])).tolist()
        [0, 1, 0]
    """
    if len(losses) == 0:
        return np.zeros(0, dtype=np.intp)
    if losses.shape[1] == 1:
        return np.unique(losses[:, 0], return_inverse=True)[1].reshape(-1).astype(np.intp)
    return np.asarray(moocore.pareto_rank(losses), dtype=np.intp)


def crowding_distance(losses: Losses, ranks: Indices | None = None) -> Losses:
    """Crowding distance `[n]` of every row within its front: the mean normalised gap between its two neighbours.

    The extremes of every objective are infinitely far. A row that repeats an earlier one has distance 0, so copies do
    not push out other rows.

    Args:
        losses: `[n, k]`.
        ranks: the front of each row `[n]`; None: all rows are one front.
    """
    fronts = np.zeros(len(losses), dtype=np.intp) if ranks is None else ranks
    distance = np.zeros(len(losses))
    by_row = np.lexsort((*losses.T[::-1], fronts))  # stable: of equal rows the first comes first
    again = (losses[by_row[1:]] == losses[by_row[:-1]]).all(axis=1) & (fronts[by_row[1:]] == fronts[by_row[:-1]])
    unique = by_row[np.concatenate([[True], ~again])] if len(losses) else by_row
    starts = np.flatnonzero(np.diff(fronts[unique], prepend=-1))
    sizes = np.diff(starts, append=len(unique))
    for values in losses[unique].T:
        order = np.lexsort((values, fronts[unique]))
        distance[unique[order]] += _gaps(values[order], starts, sizes)
    distance[unique] = np.where(np.repeat(sizes, sizes) <= 2, np.inf, distance[unique] / losses.shape[1])
    return distance


def _gaps(values: Losses, starts: Indices, sizes: Indices) -> Losses:
    """The gap between the neighbours of each value, as a share of its front's span; values are sorted by front."""
    ends = starts + sizes - 1
    span = np.repeat(values[ends] - values[starts], sizes)
    gaps = np.full(len(values), np.inf)
    gaps[1:-1] = (values[2:] - values[:-2]) / np.where(span > 0, span, 1.0)[1:-1]
    gaps[starts] = gaps[ends] = np.inf
    gaps[span == 0] = 0.0
    return gaps


def best_first(losses: Losses, ranks: Indices, wanted: Mask, count: int) -> tuple[Indices, Losses]:
    """Indices of the `count` best of the rows that are `wanted` `[n]`, and crowding distances `[n]`.

    The order is by rank, then by crowding distance, then by index. Rows that are not wanted still crowd their front.
    Distances are only computed for the fronts that are needed; elsewhere they are 0.
    """
    waiting = np.bincount(ranks[wanted], minlength=ranks.max(initial=-1) + 1)
    rows = np.flatnonzero((ranks <= np.searchsorted(np.cumsum(waiting), count)) & (waiting[ranks] > 0))
    crowding = np.zeros(len(losses))
    crowding[rows] = crowding_distance(losses[rows], ranks[rows])
    order = rows[np.lexsort((-crowding[rows], ranks[rows]))]
    return order[wanted[order]][:count], crowding

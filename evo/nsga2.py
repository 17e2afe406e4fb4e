"""NSGA-II as pure functions on arrays of minimised losses `[n, k]`: ranks, crowding, survivors, parents.

Source: Deb, Pratap, Agarwal, Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE TEC 2002.
Everything is stable: ties go to the lower index, so equal inputs give equal results on every machine.
"""

from __future__ import annotations

from typing import NamedTuple

import moocore
import numpy as np
from numpy.typing import NDArray

Losses = NDArray[np.float64]
Indices = NDArray[np.intp]


class Survivors(NamedTuple):
    """Indices `[m]` of those kept, best first, with their rank (0: non-dominated) and crowding distance `[m]`."""

    indices: Indices
    ranks: Indices
    crowding: Losses


def ranks(losses: Losses) -> Indices:
    """Non-domination rank `[n]` of every row: 0 for the front, 1 for the front without it, and so on."""
    if len(losses) == 0:
        return np.zeros(0, dtype=np.intp)
    if losses.shape[1] == 1:
        return np.unique(losses[:, 0], return_inverse=True)[1].reshape(-1).astype(np.intp)
    return np.asarray(moocore.pareto_rank(losses), dtype=np.intp)


def crowding_distance(losses: Losses, rank: Indices | None = None) -> Losses:
    """Crowding distance `[n]` within each front, `rank` `[n]`: the mean normalised gap between each row's neighbours.

    The extremes of every objective are infinitely far. A row that repeats an earlier one has distance 0, so that copies
    do not crowd out others. All rows are one front where no ranks are given.
    """
    fronts = np.zeros(len(losses), dtype=np.intp) if rank is None else rank
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
    """Of one objective's values, sorted within each front: the gap between neighbours, in parts of the front's span."""
    ends = starts + sizes - 1
    span = np.repeat(values[ends] - values[starts], sizes)
    gaps = np.full(len(values), np.inf)
    gaps[1:-1] = (values[2:] - values[:-2]) / np.where(span > 0, span, 1.0)[1:-1]
    gaps[starts] = gaps[ends] = np.inf
    gaps[span == 0] = 0.0
    return gaps


def best_first(losses: Losses, rank: Indices, wanted: NDArray[np.bool_], count: int) -> tuple[Indices, Losses]:
    """The `count` best of the rows `wanted` `[n]`, and crowding distances `[n]`, as far as they were needed.

    By rank, then the least crowded of their front, of which all rows count, then the lower index.
    """
    waiting = np.bincount(rank[wanted], minlength=rank.max(initial=-1) + 1)
    rows = np.flatnonzero((rank <= np.searchsorted(np.cumsum(waiting), count)) & (waiting[rank] > 0))
    crowding = np.zeros(len(losses))
    crowding[rows] = crowding_distance(losses[rows], rank[rows])
    order = rows[np.lexsort((-crowding[rows], rank[rows]))]
    return order[wanted[order]][:count], crowding


def survivors(losses: Losses, count: int, levels: Indices | None = None) -> Survivors:
    """The best `count` rows by rank, then by crowding distance within the front that does not fit.

    `levels` `[n]`: rows of a higher level come before all others, whose losses cannot be compared with theirs.
    """
    rank = _ranks_by_level(losses, np.zeros(len(losses), dtype=np.intp) if levels is None else levels)
    indices, crowding = best_first(losses, rank, np.ones(len(losses), dtype=bool), count)
    return Survivors(indices, rank[indices], crowding[indices])


def _ranks_by_level(losses: Losses, levels: Indices) -> Indices:
    """Ranks within each level; those of a lower level follow those of the higher."""
    found = np.zeros(len(losses), dtype=np.intp)
    worse = 0
    for level in np.unique(levels)[::-1]:
        rows = np.flatnonzero(levels == level)
        found[rows] = worse + ranks(losses[rows])
        worse = int(found[rows].max()) + 1
    return found


def parents(
    losses: Losses, crowding: Losses, count: int, rng: np.random.Generator, levels: Indices | None = None
) -> Indices:
    """`count` winners `[count]` of binary tournaments: who dominates, else greater crowding distance, else first drawn.

    Of two `levels` `[n]`, the higher wins.
    By dominance, as in Deb's own program, and with competitors from whole permutations, so that each row competes as
    often as any other: with ranks and free draws, half of all runs on ZDT2 collapse to one end of the front.
    """
    n = len(losses)
    drawn = np.concatenate([rng.permutation(n) for _ in range(-(-2 * count // n))])[: 2 * count]
    left, right = drawn[::2], drawn[1::2]
    level = np.zeros(n, dtype=np.intp) if levels is None else levels
    same = level[left] == level[right]
    left_wins = (level[left] > level[right]) | (same & _dominates(losses[left], losses[right]))
    right_wins = (level[right] > level[left]) | (same & _dominates(losses[right], losses[left]))
    return np.where(right_wins | (~left_wins & (crowding[right] > crowding[left])), right, left)


def _dominates(a: Losses, b: Losses) -> NDArray[np.bool_]:
    """Row by row: nowhere worse and somewhere better."""
    return np.asarray((a <= b).all(axis=1) & (a < b).any(axis=1))

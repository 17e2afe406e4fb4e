"""NSGA-II as pure functions on arrays of minimised losses `[n, k]`.

Source: Deb, Pratap, Agarwal, Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE TEC 2002.
Where to find the steps of the paper:

- rank (fast non-dominated sort): `non_dominated_ranks`
- crowding: `crowding_distance`
- selection (binary tournaments): `select_parents`
- survival (the best by rank, then by crowding): `survivors`
- variation: `Space.crossover` and `Space.mutate`, called by `Breeder` (breeding.py)

Everything is stable: of equal rows, the one with the lower index comes first. So equal inputs give equal results on
every machine.
"""

from __future__ import annotations

from typing import NamedTuple

import moocore
import numpy as np
from numpy.typing import NDArray

Losses = NDArray[np.float64]
Indices = NDArray[np.intp]


class Survivors(NamedTuple):
    """Indices `[m]` of the rows that are kept, best first, with rank (0: non-dominated) and crowding distance `[m]`."""

    indices: Indices
    ranks: Indices
    crowding: Losses


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


def best_first(losses: Losses, ranks: Indices, wanted: NDArray[np.bool_], count: int) -> tuple[Indices, Losses]:
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


def survivors(losses: Losses, count: int, levels: Indices | None = None) -> Survivors:
    """The best `count` rows by rank, then by crowding distance within the front that does not fit.

    `levels` `[n]`: losses of two levels cannot be compared; rows of a higher level come before all others.
    """
    ranks = _ranks_by_level(losses, np.zeros(len(losses), dtype=np.intp) if levels is None else levels)
    indices, crowding = best_first(losses, ranks, np.ones(len(losses), dtype=bool), count)
    return Survivors(indices, ranks[indices], crowding[indices])


def _ranks_by_level(losses: Losses, levels: Indices) -> Indices:
    """Ranks within each level; those of a lower level follow those of the higher one."""
    ranks = np.zeros(len(losses), dtype=np.intp)
    next_rank = 0
    for level in np.unique(levels)[::-1]:
        rows = np.flatnonzero(levels == level)
        ranks[rows] = next_rank + non_dominated_ranks(losses[rows])
        next_rank = int(ranks[rows].max()) + 1
    return ranks


def select_parents(
    losses: Losses, crowding: Losses, count: int, rng: np.random.Generator, levels: Indices | None = None
) -> Indices:
    """Indices `[count]` of the winners of binary tournaments.

    A row wins if it has the higher of the `levels` `[n]`, otherwise if it dominates the other row, otherwise if it has
    the greater crowding distance, otherwise if it was drawn first.

    This follows Deb's own program: dominance decides, not rank, and competitors come from whole permutations, so each
    row competes equally often. With ranks and free draws, half of all runs on ZDT2 collapse to one end of the front.
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

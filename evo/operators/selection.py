"""Who breeds and who survives: DEAP's NSGA-II, and its NSGA-III where there are four objectives or more.

Sources: Deb, Pratap, Agarwal, Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE TEC 2002;
Deb, Jain, "An evolutionary many-objective optimization algorithm using reference-point-based nondominated sorting
approach, part I", IEEE TEC 2014. Call these functions inside `confined`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import comb
from typing import Any, Final, NamedTuple

import numpy as np
from deap import tools

from haemsa.evo.nsga2 import Losses, non_dominated_ranks
from haemsa.evo.operators.individual import Fitness, Individual

Individuals = list[Individual[Any]]
MANY: Final = 4
"""From so many objectives on NSGA-III chooses: hardly anything dominates anything there, and crowding says little."""
MOST_SORTED: Final = 600
"""DEAP sorts so many individuals of two objectives in about a millisecond. moocore finds the fronts of more of them."""
MOST_DIRECTIONS: Final = 250


def select(individuals: Sequence[Individual[Any]], k: int) -> Individuals:
    """`k` parents: winners of DEAP's tournaments by dominance and crowding. One may win several times.

    `tools.selTournamentDCD` needs at least four individuals, and gives four at a time, each at most twice. So few
    individuals take part several times, and for many parents there are several rounds.
    """
    crowd = list(individuals) * -(-4 // len(individuals))
    chosen: Individuals = []
    while len(chosen) < k:
        chosen += tools.selTournamentDCD(crowd, min(4 * -(-(k - len(chosen)) // 4), 4 * (len(crowd) // 4)))
    return chosen[:k]


def survive(individuals: Sequence[Individual[Any]], k: int) -> Individuals:
    """The best `k`, best first. A level comes before all lower ones, and is chosen from by itself.

    With several objectives, an individual that repeats another one's fitness comes after all others of its level. So
    copies push nobody out.
    """
    chosen: Individuals = []
    for level in sorted({individual.level for individual in individuals}, reverse=True):
        group = [individual for individual in individuals if individual.level == level]
        for individual in group:
            individual.fitness.crowding_dist = 0.0
        if len(group[0].fitness.wvalues) == 1:
            chosen += tools.selBest(group, k - len(chosen))  # with one objective NSGA-II is just that
            continue
        firsts = list({individual.fitness: individual for individual in reversed(group)}.values())[::-1]
        chosen += _best(firsts, k - len(chosen))
        if len(firsts) < len(group):
            copies = set(group) - set(firsts)
            chosen += [individual for individual in group if individual in copies][: k - len(chosen)]
    return chosen


def _best(group: Individuals, k: int) -> Individuals:
    """The best `k` of one level, whose fitnesses all differ."""
    k = min(k, len(group))
    if k <= 0:
        return []
    if len(group[0].fitness.wvalues) >= MANY:
        return _by_directions(group, k)
    if len(group) <= MOST_SORTED:
        return list(tools.selNSGA2(group, k, nd="log"))
    chosen: Individuals = []
    for front in _fronts(group):
        chosen += tools.selNSGA2(front, min(k - len(chosen), len(front)), nd="log")
        if len(chosen) == k:
            break
    return chosen


def _fronts(group: Individuals) -> Iterator[Individuals]:
    ranks = non_dominated_ranks(_losses(group))
    for rank in range(int(ranks.max()) + 1):
        yield [group[place] for place in np.flatnonzero(ranks == rank)]


class _Scaled(NamedTuple):
    """Stands for an individual, with the losses of its level scaled to [0, 1]."""

    individual: Individual[Any]
    fitness: Fitness


def _by_directions(group: Individuals, k: int) -> Individuals:
    """NSGA-III. Its niches need an ideal point at 0 (DEAP subtracts it twice where it is not), so losses are scaled."""
    losses = _losses(group)
    low, span = losses.min(axis=0), np.ptp(losses, axis=0)
    places = (losses - low) / np.where(span > 0, span, 1.0)
    scaled = [
        _Scaled(individual, Fitness((-1.0,) * losses.shape[1], row))
        for individual, row in zip(group, places.tolist(), strict=True)
    ]
    chosen = tools.selNSGA3(scaled, k, _directions(losses.shape[1], k), nd="log")
    return [item.individual for item in chosen]


@lru_cache
def _directions(objectives: int, count: int) -> Losses:
    """About `count` reference points, evenly spread; at least one for each objective."""
    wanted, steps = min(count, MOST_DIRECTIONS), 1
    while comb(objectives + steps, steps + 1) <= wanted:
        steps += 1
    points: Losses = tools.uniform_reference_points(objectives, steps)
    return points


def _losses(group: Individuals) -> Losses:
    return -np.array([individual.fitness.wvalues for individual in group])

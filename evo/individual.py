"""DEAP's view of a candidate: importable fitness and individual classes, the objectives, and the toolbox that breeds.

The only place where a failure becomes a fitness: infinitely bad in every objective, so that no DEAP function that meets
one by mistake can prefer it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic

import numpy as np
from deap import base

from haemsa.evo import nsga2 as selection
from haemsa.evo.candidate import G
from haemsa.evo.space import Space


class Fitness(base.Fitness):  # type: ignore[misc]
    """A DEAP fitness whose weights belong to the instance: no class is made at run time, and all can be pickled."""

    def __init__(self, weights: Sequence[float] = (), values: Sequence[float] = ()) -> None:
        self.weights = tuple(weights)
        super().__init__(values)

    def __deepcopy__(self, memo: dict[int, Any]) -> Fitness:
        copy = Fitness(self.weights)
        copy.wvalues = self.wvalues
        return copy


@dataclass(eq=False)
class Individual(Generic[G]):
    """A genome with a DEAP fitness, comparable within its `level`; `rank` and `crowding` as survival last saw it."""

    genome: G
    fitness: Fitness = field(default_factory=Fitness)
    id: int = -1
    rank: int = 0
    crowding: float = 0.0
    level: int = 0

    @cached_property
    def losses(self) -> tuple[float, ...]:
        """One number per objective, all minimised; the fitness does not change any more."""
        return tuple(-value for value in self.fitness.wvalues)


def toolbox(space: Space[G]) -> base.Toolbox:
    """`space`'s operators under DEAP's names; each takes a generator, so DEAP's global `random` is never drawn from.

    `individual(rng)`; `mate(a, b, rng) -> (child, child)`; `mutate(individual, rng) -> (individual,)`;
    `select(population, count, rng) -> parents`; `survive(individuals, count) -> population`, best first.
    """
    box = base.Toolbox()
    box.register("individual", _individual, space)
    box.register("mate", _mate, space)
    box.register("mutate", _mutate, space)
    box.register("select", _select)
    box.register("survive", _survive)
    return box


def _individual(space: Space[G], rng: np.random.Generator) -> Individual[G]:
    return Individual(space.sample(rng))


def _mate(
    space: Space[G], a: Individual[G], b: Individual[G], rng: np.random.Generator
) -> tuple[Individual[G], Individual[G]]:
    first, second = space.crossover(a.genome, b.genome, rng)
    return Individual(first), Individual(second)


def _mutate(space: Space[G], individual: Individual[G], rng: np.random.Generator) -> tuple[Individual[G]]:
    return (Individual(space.mutate(individual.genome, rng)),)


def _select(population: Sequence[Individual[G]], count: int, rng: np.random.Generator) -> list[Individual[G]]:
    losses = np.array([individual.losses for individual in population])
    crowding = np.array([individual.crowding for individual in population])
    chosen = selection.parents(losses, crowding, count, rng, _levels(population))
    return [population[index] for index in chosen]


def _survive(individuals: Sequence[Individual[G]], count: int) -> list[Individual[G]]:
    if not individuals:
        return []
    losses = np.array([individual.losses for individual in individuals])
    kept = selection.survivors(losses, count, _levels(individuals))
    population = [individuals[index] for index in kept.indices]
    for individual, rank, crowding in zip(population, kept.ranks, kept.crowding, strict=True):
        individual.rank, individual.crowding = int(rank), float(crowding)
    return population


def _levels(individuals: Sequence[Individual[G]]) -> selection.Indices:
    return np.array([individual.level for individual in individuals], dtype=np.intp)

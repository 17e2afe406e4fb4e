"""DEAP's view of a candidate: classes for fitness and individuals that can be pickled, and the toolbox that breeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic

import numpy as np
from deap import base

from haemsa.evo import nsga2
from haemsa.evo.candidate import G
from haemsa.evo.space import Space


class Fitness(base.Fitness):  # type: ignore[misc]
    """A DEAP fitness with its own weights. So no class is made at run time, and every fitness can be pickled."""

    def __init__(self, weights: Sequence[float] = (), values: Sequence[float] = ()) -> None:
        self.weights = tuple(weights)
        super().__init__(values)

    def __deepcopy__(self, memo: dict[int, Any]) -> Fitness:
        copy = Fitness(self.weights)
        copy.wvalues = self.wvalues
        return copy


@dataclass(eq=False)
class Individual(Generic[G]):
    """A genome with a DEAP fitness, which can be compared within its `level`.

    `rank` and `crowding`: from the last choice of survivors.
    """

    genome: G
    fitness: Fitness = field(default_factory=Fitness)
    id: int = -1
    rank: int = 0
    crowding: float = 0.0
    level: int = 0

    @cached_property
    def losses(self) -> tuple[float, ...]:
        """One number per objective, all minimised. Read it when the fitness does not change any more."""
        return tuple(-value for value in self.fitness.wvalues)


def toolbox(space: Space[G]) -> base.Toolbox:
    """The operators of `space` under DEAP's names. Each takes a generator, so nothing draws from Python's `random`.

    Returns:
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
    chosen = nsga2.select_parents(losses, crowding, count, rng, _levels(population))
    return [population[index] for index in chosen]


def _survive(individuals: Sequence[Individual[G]], count: int) -> list[Individual[G]]:
    if not individuals:
        return []
    losses = np.array([individual.losses for individual in individuals])
    kept = nsga2.survivors(losses, count, _levels(individuals))
    population = [individuals[index] for index in kept.indices]
    for individual, rank, crowding in zip(population, kept.ranks, kept.crowding, strict=True):
        individual.rank, individual.crowding = int(rank), float(crowding)
    return population


def _levels(individuals: Sequence[Individual[G]]) -> nsga2.Indices:
    return np.array([individual.level for individual in individuals], dtype=np.intp)

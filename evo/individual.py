"""DEAP's view of a candidate: importable fitness and individual classes, the objectives, and the toolbox that breeds.

The only place where a failure becomes a fitness: infinitely bad in every objective, so that no DEAP function that meets
one by mistake can prefer it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Literal

import numpy as np
from deap import base

from evo import selection
from evo.candidate import Failure, G, Outcome, Score
from evo.selection import Losses
from evo.space import Space

Direction = Literal["min", "max"]


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


@dataclass(frozen=True)
class Objectives:
    """Names and directions, in the order given; the first decides which candidate is listed first."""

    directions: tuple[tuple[str, Direction], ...]

    @classmethod
    def of(cls, directions: Mapping[str, Direction]) -> Objectives:
        """Check a mapping from name to "min" or "max"."""
        if not directions:
            raise ValueError("a search has no objectives, expected at least one")
        for name, direction in directions.items():
            if direction not in ("min", "max"):
                raise ValueError(f"objective {name} has direction {direction!r}, expected 'min' or 'max'")
        return cls(tuple(directions.items()))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The objectives' names."""
        return tuple(name for name, _ in self.directions)

    @cached_property
    def weights(self) -> tuple[float, ...]:
        """DEAP's weights: -1 to minimise, 1 to maximise."""
        return tuple(-1.0 if direction == "min" else 1.0 for _, direction in self.directions)

    def settle(self, outcome: Outcome) -> dict[str, Score] | Failure:
        """Numbers become scores; an objective that is not finite becomes a failure of kind "nan".

        Raises ValueError if an objective has no score.
        """
        if isinstance(outcome, Failure):
            return outcome
        scores = {name: v if isinstance(v, Score) else Score(float(v)) for name, v in outcome.items()}
        for name in self.names:
            if name not in scores:
                raise ValueError(f"objective {name} has no score, those told are {', '.join(scores) or 'none'}")
            if not scores[name].finite:
                return Failure("nan", f"{name} is {scores[name].mean}")
        return scores

    def fitness(self, settled: Mapping[str, Score] | Failure) -> Fitness:
        """The DEAP fitness of what `settle` returned."""
        if isinstance(settled, Failure):
            return Fitness(self.weights, [-weight * np.inf for weight in self.weights])
        return Fitness(self.weights, [settled[name].mean for name in self.names])

    def means(self, scores: Mapping[str, Score]) -> Losses:
        """The means of scores as minimised losses `[k]`."""
        return self.losses({name: scores[name].mean for name in self.names})

    def fitness_of(self, losses: Losses) -> Fitness:
        """The DEAP fitness of minimised losses `[k]`."""
        return Fitness(self.weights, [-weight * loss for weight, loss in zip(self.weights, losses, strict=True)])

    def losses(self, values: Mapping[str, float]) -> Losses:
        """Values by name, in their own direction, as minimised losses `[k]`. Raises ValueError for a missing name."""
        if set(values) != set(self.names):
            raise ValueError(f"values are given for {sorted(values)}, expected the objectives {', '.join(self.names)}")
        return np.array([-weight * values[name] for weight, name in zip(self.weights, self.names, strict=True)])


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

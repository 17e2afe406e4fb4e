"""Where new candidates come from: suggestions first, then children of the population; never a genome twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, Generic

import numpy as np

from haemsa.evo.candidate import Candidate, G
from haemsa.evo.individual import Individual, toolbox
from haemsa.evo.space import Space, SpaceExhausted

TRIES: Final = 1000
"""Draws for one new genome before the space counts as exhausted."""


class Breeder(Generic[G]):
    """Breeds batches of new candidates. Every batch has its own generator, from (seed, first id)."""

    def __init__(self, space: Space[G], seed: int, samples: int) -> None:
        """`samples`: how many candidates are sampled before any is bred from parents."""
        self.space, self.seed, self.samples = space, seed, samples
        self.toolbox = toolbox(space)
        self.next_id = 0
        self.keys: set[str] = set()  # of everything bred, pending and failed included
        self.suggested: list[tuple[G, int | None]] = []  # with the parent's id, not yet bred

    def suggest(self, genomes: Iterable[G], parent: int | None) -> None:
        """Have these genomes come before the next children, or samples."""
        self.suggested.extend((genome, parent) for genome in genomes)

    def breed(self, count: int, population: Sequence[Individual[G]]) -> list[Candidate[G]]:
        """Up to `count` new candidates from one generator. Raises SpaceExhausted for none."""
        rng = np.random.default_rng((self.seed, self.next_id))
        bred = self._take_suggested(count)
        count -= len(bred)
        for child, parents in islice(self._children(count, population, rng), count):
            fresh = self._fresh(child, rng)
            if fresh is None:
                break
            bred.append(self._candidate(fresh.genome, parents))
        if not bred:
            raise SpaceExhausted(
                f"the space is exhausted: after {len(self.keys)} genomes no new one was found in {TRIES} tries"
            )
        return bred

    def _candidate(self, genome: G, parents: tuple[int, ...]) -> Candidate[G]:
        self.keys.add(self.space.key(genome))
        self.next_id += 1
        return Candidate(self.next_id - 1, genome, parents)

    def _take_suggested(self, count: int) -> list[Candidate[G]]:
        bred: list[Candidate[G]] = []
        while self.suggested and len(bred) < count:
            genome, parent = self.suggested.pop(0)
            if self.space.key(genome) not in self.keys:
                bred.append(self._candidate(genome, () if parent is None else (parent,)))
        return bred

    def _children(
        self, count: int, population: Sequence[Individual[G]], rng: np.random.Generator
    ) -> Iterator[tuple[Individual[G], tuple[int, ...]]]:
        """At least `count` children with their parents' ids, two per pair; samples until there are parents."""
        if self.next_id < self.samples or len(population) < 2:
            for _ in range(count):
                yield self.toolbox.individual(rng), ()
            return
        chosen = self.toolbox.select(population, count + count % 2, rng)
        for a, b in zip(chosen[::2], chosen[1::2], strict=True):
            parents = tuple(individual.id for individual in sorted((a, b), key=_fitness))
            for child in self.toolbox.mate(a, b, rng):
                yield self.toolbox.mutate(child, rng)[0], parents

    def _fresh(self, child: Individual[G], rng: np.random.Generator) -> Individual[G] | None:
        """`child`, mutated on (and now and then drawn anew) until it is no duplicate; None after `TRIES`."""
        for attempt in range(TRIES):
            if self.space.key(child.genome) not in self.keys:
                return child
            child = self.toolbox.individual(rng) if attempt % 8 == 7 else self.toolbox.mutate(child, rng)[0]
        return None


def _fitness(individual: Individual[G]) -> tuple[float, ...]:
    """The fitter comes first: of a higher level, a better rank, a better first objective."""
    return (-individual.level, individual.rank, *individual.losses)

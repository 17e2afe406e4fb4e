"""Where new candidates come from: suggestions first, then children of the population. No genome is bred twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic

import numpy as np
from deap import base

from haemsa.evo.candidate import Candidate, G
from haemsa.evo.operators.confined import confined
from haemsa.evo.operators.individual import Individual
from haemsa.evo.operators.variation import children, with_descent
from haemsa.evo.space import Space, SpaceExhausted

TRIES: Final = 1000
"""Draws for one new genome before the space counts as exhausted."""


class Breeder(Generic[G]):
    """Calls the operators of a toolbox, each time with random numbers that are made of the seed and the next id."""

    def __init__(
        self,
        space: Space[G],
        toolbox: base.Toolbox,
        seed: int,
        samples: int,
        *,
        crossover: float = 0.7,
        mutation: float = 1.0,
    ) -> None:
        """`samples`: how many candidates are sampled before children are bred. For the rates see `Evolution`."""
        self.space, self.toolbox, self.seed, self.samples = space, toolbox, seed, samples
        self.crossover, self.mutation = crossover, mutation
        self.next_id = 0
        self.keys: set[str] = set()  # of all that was bred, also of what is pending or failed
        self.suggested: list[tuple[G, int | None]] = []  # not bred yet, with the id of the parent

    def suggest(self, genomes: Iterable[G], parent: int | None) -> None:
        """Let these genomes come before the next children or samples."""
        self.suggested.extend((genome, parent) for genome in genomes)

    def breed(self, count: int, population: Sequence[Individual[G]]) -> list[Candidate[G]]:
        """Breed up to `count` new candidates.

        Raises:
            SpaceExhausted: if not one new genome was found.
        """
        rng = np.random.default_rng((self.seed, self.next_id))
        bred = self._take_suggested(count)
        count -= len(bred)
        if count:
            with confined(rng):
                bred += self._children(count, population)
        if not bred:
            raise SpaceExhausted(
                f"the space is exhausted: after {len(self.keys)} genomes no new one was found in {TRIES} tries"
            )
        return bred

    def survive(self, individuals: list[Individual[G]], count: int) -> list[Individual[G]]:
        """The `count` of these that are the next population."""
        with confined(np.random.default_rng((self.seed, self.next_id, 1))):
            survivors: list[Individual[G]] = self.toolbox.survive(individuals, count)
        return survivors

    def remember(self, genomes: Iterable[G]) -> None:
        """Note genomes that were bred before this breeder was made."""
        self.keys.update(map(self.space.key, genomes))

    def state_dict(self, encode: Callable[[G], Any]) -> dict[str, Any]:
        """State as JSON, without the known genomes: those are in the rows of candidates (`remember`)."""
        return {
            "next_id": self.next_id,
            "suggested": [[encode(genome), parent] for genome, parent in self.suggested],
        }

    def load_state_dict(self, saved: Mapping[str, Any], decode: Callable[[Any], G]) -> None:
        """Go on from `state_dict`'s value."""
        self.next_id = saved["next_id"]
        self.suggested = [(decode(genome), parent) for genome, parent in saved["suggested"]]

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

    def _children(self, count: int, population: Sequence[Individual[G]]) -> list[Candidate[G]]:
        """Up to `count` children of the population, all new. The first candidates are samples."""
        box = with_descent(self.toolbox)
        if self.next_id < self.samples or len(population) < 2:
            bred = [box.individual() for _ in range(count)]
        else:
            parents = box.select(list(population), count + count % 2)
            bred = children(parents, box, self.crossover, self.mutation)[:count]
        found: list[Candidate[G]] = []
        for child in bred:
            fresh = self._fresh(child, box)
            if fresh is None:
                break
            found.append(self._candidate(fresh.genome, fresh.parents))
        return found

    def _fresh(self, child: Individual[G], box: base.Toolbox) -> Individual[G] | None:
        """`child`, mutated (now and then drawn anew) until its genome is new; None after `TRIES`."""
        for attempt in range(TRIES):
            if self.space.key(child.genome) not in self.keys:
                return child
            child = box.individual() if attempt % 8 == 7 else box.mutate(child)[0]
        return None

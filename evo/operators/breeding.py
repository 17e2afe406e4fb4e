"""Where new candidates come from: suggestions first, then children of the population. No genome is bred twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, Protocol

import numpy as np
from deap import base

from haemsa.evo.candidate import Candidate, G, G_contra
from haemsa.evo.operators.confined import confined
from haemsa.evo.operators.individual import Individual
from haemsa.evo.operators.variation import children, with_descent
from haemsa.evo.space import Space, SpaceExhausted

TRIES: Final = 1000
"""Draws for one new genome before the space counts as exhausted."""


class Screen(Protocol[G_contra]):
    """Chooses among children before any of them is trained."""

    def bred(self, wanted: int) -> int:
        """How many children to breed where so many are wanted."""

    def best(self, genomes: Sequence[G_contra], count: int) -> list[int]:
        """The places of the `count` genomes to train."""


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
        screen: Screen[G] | None = None,
    ) -> None:
        """`samples`: how many candidates are sampled before children are bred. For the rates see `Evolution`.

        `screen`: chooses among more children than are wanted; None: all that are bred are trained.
        """
        self.space, self.toolbox, self.seed, self.samples = space, toolbox, seed, samples
        self.crossover, self.mutation, self.screen = crossover, mutation, screen
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
            fresh = self._fresh((box.individual() for _ in range(count)), box)
        else:
            wanted = self.screen.bred(count) if self.screen else count
            parents = box.select(list(population), wanted + wanted % 2)
            fresh = self._fresh(children(parents, box, self.crossover, self.mutation)[:wanted], box)
            if self.screen:
                fresh = [fresh[place] for place in self.screen.best([child.genome for child in fresh], count)]
        return [self._candidate(child.genome, child.parents) for child in fresh]

    def _fresh(self, bred: Iterable[Individual[G]], box: base.Toolbox) -> list[Individual[G]]:
        """Individuals whose genomes are new and differ from each other; fewer if no new one is found."""
        found: dict[str, Individual[G]] = {}
        for child in bred:
            fresh = self._changed_until_new(child, box, found)
            if fresh is None:
                break
            found[self.space.key(fresh.genome)] = fresh
        return list(found.values())

    def _changed_until_new(
        self, child: Individual[G], box: base.Toolbox, found: Mapping[str, Individual[G]]
    ) -> Individual[G] | None:
        """`child`, mutated (now and then drawn anew) until its genome is new; None after `TRIES`."""
        for attempt in range(TRIES):
            key = self.space.key(child.genome)
            if key not in self.keys and key not in found:
                return child
            child = box.individual() if attempt % 8 == 7 else box.mutate(child)[0]
        return None

"""Where new candidates come from: suggestions first, then children of the population. No genome is bred twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Generic

import numpy as np

from haemsa.evo.candidate import Candidate, G
from haemsa.evo.individual import Individual, toolbox
from haemsa.evo.space import Space, SpaceExhausted

TRIES: Final = 1000
"""Draws for one new genome before the space counts as exhausted."""


class Breeder(Generic[G]):
    """Breeds batches of new candidates. Every batch has its own generator, made of the seed and its first id."""

    def __init__(self, space: Space[G], seed: int, samples: int) -> None:
        """`samples`: how many candidates are sampled before children are bred."""
        self.space, self.seed, self.samples = space, seed, samples
        self.toolbox = toolbox(space)
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

    def _children(
        self, count: int, population: Sequence[Individual[G]], rng: np.random.Generator
    ) -> Iterator[tuple[Individual[G], tuple[int, ...]]]:
        """Selection and variation: `count` children or one more, with their parents' ids; first come samples."""
        if self.next_id < self.samples or len(population) < 2:
            for _ in range(count):
                yield self.toolbox.individual(rng), ()
            return
        chosen = self.toolbox.select(population, count + count % 2, rng)
        for a, b in zip(chosen[::2], chosen[1::2], strict=True):
            parents = tuple(individual.id for individual in sorted((a, b), key=_fittest_first))
            for child in self.toolbox.mate(a, b, rng):
                yield self.toolbox.mutate(child, rng)[0], parents

    def _fresh(self, child: Individual[G], rng: np.random.Generator) -> Individual[G] | None:
        """`child`, mutated (now and then drawn anew) until its genome is new; None after `TRIES`."""
        for attempt in range(TRIES):
            if self.space.key(child.genome) not in self.keys:
                return child
            child = self.toolbox.individual(rng) if attempt % 8 == 7 else self.toolbox.mutate(child, rng)[0]
        return None


def _fittest_first(individual: Individual[G]) -> tuple[float, ...]:
    """Sorts the higher level first, then the better rank, then the better first objective."""
    return (-individual.level, individual.rank, *individual.losses)

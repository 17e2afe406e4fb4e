"""NSGA-II by ask and tell, steady-state or generational, over any `Space`. It never evaluates, logs or waits.

    evolution = Evolution(space, {"mae": "min", "params": "min"}, seed=0, population_size=32)
    for candidate in evolution.ask(8):
        evolution.tell(candidate, {"mae": 0.9, "params": 1200})
    evolution.front()

Steady state: a child is bred from the current parents whenever one is asked for, and each tell may change the parents.
Generational: a generation is bred whole and ends when its last candidate is told; results enter in the order of ids, so
the same seed gives the same front in whatever order, and by however many workers, candidates are evaluated.
Every batch that is bred has its own generator, from (seed, first id): there is no random state to save.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, Generic, Literal, get_args

import numpy as np

from evo import state
from evo.archive import Archive
from evo.candidate import Candidate, Evaluated, Failed, Failure, G, Outcome, Row
from evo.individual import Direction, Individual, Objectives, toolbox
from evo.space import Space, SpaceExhausted

Mode = Literal["steady", "generational"]
TRIES: Final = 1000
"""Draws for one new genome before the space counts as exhausted."""


class Evolution(Generic[G]):
    """A multi-objective search over `space`.

    `objectives`: name to "min" or "max"; other scores told are kept, not used.
    `reference`: the hypervolume's reference point by objective name, else fixed after the first generation.
    Raises ValueError for settings out of range.
    """

    def __init__(
        self,
        space: Space[G],
        objectives: Mapping[str, Direction],
        *,
        seed: int,
        population_size: int,
        mode: Mode = "steady",
        reference: Mapping[str, float] | None = None,
    ) -> None:
        if seed < 0:
            raise ValueError(f"seed is {seed}, expected 0 or more")
        if population_size < 2:
            raise ValueError(f"population_size is {population_size}, expected 2 or more")
        if mode not in get_args(Mode):
            raise ValueError(f"mode is {mode!r}, expected one of {', '.join(get_args(Mode))}")
        self.space, self.seed, self.population_size, self.mode = space, seed, population_size, mode
        self.objectives = Objectives.of(objectives)
        self.archive: Archive[G] = Archive(self.objectives, reference=reference)
        self.population: list[Individual[G]] = []
        self.generation = 0
        """Generations completed (steady state: each is `population_size` tells)."""
        self._toolbox = toolbox(space)
        self._next_id = 0
        self._keys: set[str] = set()  # of everything bred, pending and failed included
        self._queue: list[Candidate[G]] = []  # bred, not yet asked for (generational)
        self._pending: dict[int, Candidate[G]] = {}  # asked for, not yet told
        self._suggested: list[tuple[G, int]] = []  # by `suggest`, with the parent's id, not yet bred
        self._told: list[Individual[G]] = []  # told, not yet in the population (generational)

    def ask(self, n: int) -> list[Candidate[G]]:
        """Up to `n` new candidates; never a genome given out before.

        Generational: at most what is left of this generation, so none while its last candidates are being evaluated.
        Raises SpaceExhausted if not one new genome can be found.
        """
        if n < 1:
            raise ValueError(f"{n} candidates were asked for, expected 1 or more")
        if self.mode == "steady":
            batch = self._breed(n)
        else:
            if not self._queue and not self._pending:
                self._queue = self._breed(self.population_size)
            batch, self._queue = self._queue[:n], self._queue[n:]
        self._pending.update((candidate.id, candidate) for candidate in batch)
        return batch

    def suggest(self, genomes: Iterable[G], parent: int) -> None:
        """Have these genomes, made from candidate `parent`, come before the next children; known ones are left out."""
        self._suggested.extend((genome, parent) for genome in genomes)

    def tell(self, candidate: Candidate[G], outcome: Outcome) -> Evaluated[G] | Failed[G]:
        """Take a candidate's scores or failure, and return it as recorded (a score that is not finite is a failure).

        Raises ValueError for a candidate that is not pending or an objective without a score; nothing changes then.
        """
        if candidate.id not in self._pending:
            raise ValueError(f"candidate {candidate.id} is told, but it is not one that was asked for and waits")
        settled = self.objectives.settle(outcome)
        candidate = self._pending.pop(candidate.id)
        record = self._record(candidate, settled)
        if self.mode == "steady":
            self._survive(self.generation + (len(self.archive) % self.population_size == 0))
        elif not self._queue and not self._pending:
            self._survive(self.generation + 1)
        return record

    def front(self) -> list[Evaluated[G]]:
        """The non-dominated candidates of all told, best first objective first."""
        return self.archive.front()

    def hypervolume(self) -> float:
        """Hypervolume of the front; 0.0 until the reference point is known."""
        return self.archive.hypervolume()

    @property
    def pending(self) -> list[Candidate[G]]:
        """Candidates asked for and not told: after a restart, those to evaluate again."""
        return list(self._pending.values())

    def state_dict(self, encode: Callable[[G], Any], *, rows: bool = True) -> dict[str, Any]:
        """All state as JSON; `encode` turns a genome into JSON.

        `rows=False` leaves the candidates themselves out, for a journal that has them: small at any archive size.
        """
        return state.save(self, encode, rows=rows)

    def load_state_dict(
        self, saved: Mapping[str, Any], decode: Callable[[Any], G], rows: Iterable[Row] | None = None
    ) -> None:
        """Go on from `state_dict`'s value exactly as if never stopped; `rows` if it was saved without.

        Raises ValueError if this search was made with another seed, mode, population size or objectives.
        """
        state.load(self, saved, decode, rows)

    def _record(self, candidate: Candidate[G], settled: Any) -> Evaluated[G] | Failed[G]:
        if isinstance(settled, Failure):
            failed = Failed(candidate.id, candidate.genome, candidate.parents, settled)
            self.archive.fail(failed)
            return failed
        individual = Individual(candidate.genome, self.objectives.fitness(settled), candidate.id)
        evaluated = Evaluated(candidate.id, candidate.genome, candidate.parents, settled)
        self.archive.add(evaluated)
        self._told.append(individual)
        return evaluated

    def _survive(self, generation: int) -> None:
        self._told.sort(key=lambda individual: individual.id)
        self.population = self._toolbox.survive([*self.population, *self._told], self.population_size)
        self._told, self.generation = [], generation
        if generation > 0:
            self.archive.fix_reference()

    def _breed(self, count: int) -> list[Candidate[G]]:
        """Up to `count` new candidates from one generator. Raises SpaceExhausted for none."""
        rng = np.random.default_rng((self.seed, self._next_id))
        bred = self._take_suggested(count)
        count -= len(bred)
        for child, parents in islice(self._children(count, rng), count):
            fresh = self._fresh(child, rng)
            if fresh is None:
                break
            bred.append(Candidate(self._next_id, fresh.genome, parents))
            self._next_id += 1
        if not bred:
            raise SpaceExhausted(
                f"the space is exhausted: after {len(self._keys)} genomes no new one was found in {TRIES} tries"
            )
        return bred

    def _take_suggested(self, count: int) -> list[Candidate[G]]:
        bred: list[Candidate[G]] = []
        while self._suggested and len(bred) < count:
            genome, parent = self._suggested.pop(0)
            key = self.space.key(genome)
            if key not in self._keys:
                self._keys.add(key)
                bred.append(Candidate(self._next_id, genome, (parent,)))
                self._next_id += 1
        return bred

    def _children(self, count: int, rng: np.random.Generator) -> Iterator[tuple[Individual[G], tuple[int, ...]]]:
        """At least `count` children with their parents' ids, two per pair; samples until there are parents."""
        if self._next_id < self.population_size or len(self.population) < 2:
            for _ in range(count):
                yield self._toolbox.individual(rng), ()
            return
        chosen = self._toolbox.select(self.population, count + count % 2, rng)
        for a, b in zip(chosen[::2], chosen[1::2], strict=True):
            for child in self._toolbox.mate(a, b, rng):
                yield self._toolbox.mutate(child, rng)[0], (a.id, b.id)

    def _fresh(self, child: Individual[G], rng: np.random.Generator) -> Individual[G] | None:
        """`child`, mutated on (and now and then drawn anew) until it is no duplicate; None after `TRIES`."""
        for attempt in range(TRIES):
            key = self.space.key(child.genome)
            if key not in self._keys:
                self._keys.add(key)
                return child
            child = self._toolbox.individual(rng) if attempt % 8 == 7 else self._toolbox.mutate(child, rng)[0]
        return None

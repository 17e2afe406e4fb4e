"""NSGA-II by ask and tell, over any `Space`. This engine never trains, logs or waits.

1. Draw the first candidates: genomes that were suggested, then random ones (breeding.py).
2. Ask: give out candidates. They are evaluated anywhere, in any order.
3. Tell: record their scores. The best on each rung are asked for again, with more training (climbing.py).
4. Survive: keep the best by non-dominated rank, then by crowding distance (nsga2.py, population.py).
5. Breed: select parents by tournaments, cross and mutate them, and skip known genomes (breeding.py). Go on with 2.
6. The front is all candidates that no other one dominates (archive.py).

The steps follow each other after every outcome ("steady") or once in a generation ("generational"): pace.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, Literal, get_args

from haemsa.evo import checkpoint
from haemsa.evo.archive import Archive
from haemsa.evo.breeding import Breeder
from haemsa.evo.candidate import Candidate, Evaluated, Failed, Failure, G, Outcome
from haemsa.evo.climbing import Climbing
from haemsa.evo.individual import Individual
from haemsa.evo.objectives import Direction, Objectives
from haemsa.evo.pace import Generational, Pace, Steady
from haemsa.evo.population import Population
from haemsa.evo.rungs import Ladder
from haemsa.evo.space import Space

Mode = Literal["steady", "generational"]


class Evolution(Generic[G]):
    """A search for the best trade-offs between several objectives.

    Args:
        space: draws, varies and compares genomes.
        objectives: name to "min" or "max". Other scores that are told are kept, not used.
        seed: 0 or more; the same seed gives the same search.
        population_size: how many survive; 2 or more.
        mode: "steady" breeds whenever new candidates are asked for; "generational" breeds a whole generation, and waits
            for its last candidate.
        reference: the hypervolume's reference point by objective name; None: beyond the worst that was seen.
        ladder: rungs of rising training; None: every candidate is evaluated once.
        batch: in steady mode, candidates climb when they have about this many replicates to train together, or when no
            new ones are asked for.
        favour_first: every other candidate that climbs is the best in the first objective.

    Raises:
        ValueError: for settings out of range.

    Example: networks that are narrow and have many levels.
        >>> from haemsa.evo import Evolution, ExpertSpace
        >>> space = ExpertSpace(["text", "audio"])
        >>> evolution = Evolution(space, {"width": "min", "levels": "max"}, seed=0, population_size=8)
        >>> for candidate in evolution.ask(8):
        ...     network = candidate.genome.network
        ...     record = evolution.tell(candidate, {"width": network.width, "levels": len(network.levels)})
        >>> evolution.hypervolume() > 0
        True
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
        ladder: Ladder | None = None,
        batch: int = 1,
        favour_first: bool = False,
    ) -> None:
        if seed < 0:
            raise ValueError(f"seed is {seed}, expected 0 or more")
        if population_size < 2:
            raise ValueError(f"population_size is {population_size}, expected 2 or more")
        if mode not in get_args(Mode):
            raise ValueError(f"mode is {mode!r}, expected one of {', '.join(get_args(Mode))}")
        self.space, self.seed, self.population_size, self.mode = space, seed, population_size, mode
        self.objectives, self.ladder, self.batch = Objectives.of(objectives), ladder or Ladder(), batch
        self.generation = 0
        """Generations that ended (steady state: each is `population_size` candidates)."""
        self.archive: Archive[G] = Archive(self.objectives, reference=reference, ladder=self.ladder)
        self._pending: dict[int, Candidate[G]] = {}  # asked for, not told yet
        self._breeder = breeder = Breeder(space, seed, population_size)
        self._climbing = climbing = Climbing(self.archive, favours_first=favour_first)
        self._population = population = Population(self.archive, population_size, breeder.toolbox.survive)
        self._pace: Pace[G] = (
            Steady(self.archive, breeder, climbing, population, batch)
            if mode == "steady"
            else Generational(breeder, climbing, population)
        )

    def ask(self, n: int, *, new: int | None = None) -> list[Candidate[G]]:
        """Up to `n` candidates to evaluate: promising ones that climb to their next rung, or new ones.

        A genome is never given out twice on a rung. In generational mode there may be no candidates, while the last
        ones of a generation are being evaluated.

        Args:
            n: 1 or more.
            new: how many of them may be new; None: any number.

        Raises:
            ValueError: if `n` is less than 1.
            SpaceExhausted: if new ones are asked for and not one can be found.
        """
        if n < 1:
            raise ValueError(f"{n} candidates were asked for, expected 1 or more")
        batch = self._pace.ask(n, n if new is None else min(n, new), len(self._pending))
        self._pending.update((candidate.id, candidate) for candidate in batch)
        self._population.arrivals.asked(candidate.id for candidate in batch)
        return batch

    def tell(self, candidate: Candidate[G], outcome: Outcome) -> Evaluated[G] | Failed[G]:
        """Take the scores of a candidate, or its failure.

        Args:
            candidate: one that was asked for and not told yet.
            outcome: a number or `Score` for each objective, and for any other metric; or a `Failure`.

        Returns:
            The candidate as it is recorded. If an objective is not finite, it is recorded as failed.

        Raises:
            ValueError: for another candidate, or if an objective has no score; nothing changes then.
        """
        if candidate.id not in self._pending:
            raise ValueError(f"candidate {candidate.id} is told, but is not pending: never asked for, or told before")
        settled = self.objectives.settle(outcome)
        candidate = self._pending.pop(candidate.id)
        record = candidate.failed(settled) if isinstance(settled, Failure) else candidate.evaluated(settled)
        self.archive.take(record)
        self._population.end(record)
        self.generation += self._pace.tell(candidate, len(self._pending))
        return record

    def suggest(self, genomes: Iterable[G], parent: int | None = None) -> None:
        """Let these genomes be the next new ones; known ones are left out. `parent`: the id of their parent, if any."""
        self._breeder.suggest(genomes, parent)

    def front(self) -> list[Evaluated[G]]:
        """The non-dominated candidates of the highest level that any reached, best first objective first."""
        return self.archive.front()

    def hypervolume(self) -> float:
        """Hypervolume of the front; 0.0 while nothing has scores."""
        return self.archive.hypervolume()

    def covered(self) -> float:
        """The same as a share, from 0 to 1, of the region between the best of each objective and the reference."""
        return self.archive.covered()

    @property
    def population(self) -> list[Individual[G]]:
        """The survivors. In steady mode they are chosen when children are bred, and when they are read."""
        self.settle()
        return self._population.members

    @property
    def pending(self) -> list[Candidate[G]]:
        """Candidates asked for and not told. After a restart, they must be evaluated again."""
        return list(self._pending.values())

    @property
    def given(self) -> int:
        """How many distinct candidates were asked for so far."""
        return self._breeder.next_id - sum(candidate.rung == 0 for candidate in self._pace.waiting)

    def settle(self) -> None:
        """Steady mode: choose the survivors now, and not only when the next candidates are asked for."""
        self._pace.settle()

    def ids_to_keep(self, *, parents: bool = True) -> set[int]:
        """Ids whose trained weights are worth keeping: they may climb or be chosen, or breed (only if `parents`)."""
        ids = {*self._pending, *(record.id for record in self.front())}
        ids.update(candidate.id for candidate in self._pace.waiting if candidate.rung > 0)
        ids |= self._climbing.contenders(2 * self.population_size)
        if parents:
            ids |= self._population.ids
            ids.update(parent for _, parent in self._breeder.suggested if parent is not None)
        elif len(self.ladder.rungs) > 1:
            ids.update(self._population.arrivals.ended)
        return {number for number in ids if number not in self.archive.failed}

    def state_dict(self, encode: Callable[[G], Any], *, rows: bool = True) -> dict[str, Any]:
        """The state of this search as JSON.

        Args:
            encode: turns a genome into JSON.
            rows: False leaves out the candidates, for a journal that has them. The state is then small, however many
                candidates there are.
        """
        reference = self.archive.reference
        saved = {
            **self._settings(),
            **self._breeder.state_dict(encode),
            **self._population.state_dict(),
            **self._pace.state_dict(encode),
            "generation": self.generation,
            "reference": None if reference is None else reference.tolist(),
            "pending": list(self._pending),
        }
        return {**saved, "rows": checkpoint.rows_to_json(self.archive, self._pending, encode)} if rows else saved

    def load_state_dict(
        self,
        saved: Mapping[str, Any],
        decode: Callable[[Any], G],
        rows: Iterable[checkpoint.CandidateRow] | None = None,
    ) -> None:
        """Go on from `state_dict`'s value exactly as if the search had never stopped.

        Args:
            saved: `state_dict`'s value.
            decode: makes a genome of `encode`'s value.
            rows: the candidates, if the state was saved without them; in any order.

        Raises:
            ValueError: if this search has begun, or has another seed, mode, population size, objectives or ladder.
        """
        for name, value in self._settings().items():
            if saved.get(name) != value:
                raise ValueError(f"the saved search has {name} {saved.get(name)!r}, this one {value!r}")
        if self._breeder.keys:
            raise ValueError("a state is loaded into a search that has begun, expected a new one")
        self.generation = saved["generation"]
        self._breeder.load_state_dict(saved, decode)
        self._pace.load_state_dict(saved, decode)
        rows = saved["rows"] if rows is None else rows
        self._pending = checkpoint.restore(rows, saved, decode, self.archive, self._breeder, self._climbing)
        self._population.load_state_dict(saved)
        for candidate in (*self._pace.waiting, *self._pending.values()):
            self._breeder.remember([candidate.genome])
            self._climbing.mark_climbed(candidate.id, candidate.rung)

    def _settings(self) -> dict[str, Any]:
        ladder = self.ladder
        return {
            "format": checkpoint.FORMAT,
            "seed": self.seed,
            "mode": self.mode,
            "population_size": self.population_size,
            "objectives": [list(item) for item in self.objectives.directions],
            "ladder": [ladder.eta, ladder.full, *([rung.epochs, rung.replicates] for rung in ladder.rungs)],
        }

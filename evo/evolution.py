"""NSGA-II by ask and tell, over any `Space`. This engine never trains or waits.

1. Draw the first candidates: genomes that were suggested, then random ones (breeding.py).
2. Ask: give out candidates. They are evaluated anywhere, in any order.
3. Tell: record their scores. The best on each rung are asked for again, with more training (climbing.py).
4. Survive: keep the best by non-dominated rank, then by crowding distance (operators/selection.py, population.py).
5. Breed: select parents by tournaments, cross and mutate them, and skip known genomes (breeding.py). Where the space
   can be learnt from, more children are bred, and only the most promising are trained (learning/). Go on with 2.
6. The front is all candidates that no other one dominates (archive.py).

DEAP does 4 and 5, by the operators of one toolbox (operators/toolbox.py), and records each generation (logbook.py).

The steps follow each other after every outcome ("steady") or once in a generation ("generational"): pace.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic

from deap import base, tools

from haemsa.evo import checkpoint
from haemsa.evo.candidate import Candidate, Evaluated, Failed, Failure, G, Outcome, Skill
from haemsa.evo.objectives import Direction, Objectives
from haemsa.evo.operators.individual import Individual
from haemsa.evo.operators.toolbox import toolbox as toolbox_of
from haemsa.evo.parts import assembled
from haemsa.evo.records.archive import Archive
from haemsa.evo.records.history import history_of
from haemsa.evo.rungs import Ladder
from haemsa.evo.settings import Mode, Settings
from haemsa.evo.space import Space


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
        skill: how much better scores are than a trivial prediction, from 0 to 1. Candidates with less than a quarter of
            the best skill on their rung climb after all others. None: all have the same skill.
        toolbox: the operators; None: `toolbox(space)`. A search that goes on needs the same ones.
        crossover: how often two parents are mated, from 0 to 1.
        mutation: how often a child is mutated, from 0 to 1.
        screening: children bred for each that is trained, where the space is `Described` (learning/); 1: no more.

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
        skill: Skill | None = None,
        toolbox: base.Toolbox | None = None,
        crossover: float = 0.7,
        mutation: float = 1.0,
        screening: int = 1,
    ) -> None:
        named, ladder = Objectives.of(objectives), ladder or Ladder()
        settings = Settings(seed, population_size, mode, named, ladder, crossover, mutation, screening)
        self.space, self.seed, self.population_size, self.mode = space, seed, population_size, mode
        self.objectives, self.ladder, self.batch = named, ladder, batch
        self.archive: Archive[G] = Archive(self.objectives, reference=reference, ladder=self.ladder)
        self.toolbox = toolbox_of(space) if toolbox is None else toolbox
        self._parts = assembled(
            space, self.toolbox, settings, self.archive, batch=batch, favour_first=favour_first, skill=skill
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
        parts = self._parts
        batch = parts.pace.ask(n, n if new is None else min(n, new), len(parts.pending))
        parts.pending.update((candidate.id, candidate) for candidate in batch)
        parts.population.arrivals.asked(candidate.id for candidate in batch)
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
        if candidate.id not in (parts := self._parts).pending:
            raise ValueError(f"candidate {candidate.id} is told, but is not pending: never asked for, or told before")
        settled = self.objectives.settle(outcome)
        candidate = parts.pending.pop(candidate.id)
        record = candidate.failed(settled) if isinstance(settled, Failure) else candidate.evaluated(settled)
        self.archive.take(record)
        parts.population.end(record)
        if parts.model:
            parts.model.told(record)
        if parts.pace.tell(candidate, len(parts.pending)):
            self.log_generation()
            parts.generation += 1
        return record

    def suggest(self, genomes: Iterable[G], parent: int | None = None) -> None:
        """Let these genomes be the next new ones; known ones are left out. `parent`: the id of their parent, if any."""
        self._parts.breeder.suggest(genomes, parent)

    def front(self) -> list[Evaluated[G]]:
        """The non-dominated candidates of the highest level that any reached, best first objective first."""
        return self.archive.front()

    def pareto_front(self) -> tools.ParetoFront:
        """The same front as DEAP keeps it: individuals, best fitness first. It changes as the search goes on."""
        return self.archive.pareto_front()

    def history(self) -> tools.History:
        """The descent of all candidates by their ids, so that `history.getGenealogy(individual)` works."""
        return history_of(self.archive, self.pending)

    @property
    def logbook(self) -> tools.Logbook:
        """A record of each generation, with a chapter for each objective (logbook.py)."""
        return self._parts.log.logbook

    def log_generation(self) -> None:
        """Record the generation that is under way. `tell` does this when one ends."""
        self._parts.log.record(self.generation + 1, self.population)

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
        return self._parts.population.members

    @property
    def generation(self) -> int:
        """Generations that ended (steady state: each is `population_size` candidates)."""
        return self._parts.generation

    @property
    def pending(self) -> list[Candidate[G]]:
        """Candidates asked for and not told. After a restart, they must be evaluated again."""
        return list(self._parts.pending.values())

    @property
    def given(self) -> int:
        """How many distinct candidates were asked for so far."""
        return self._parts.breeder.next_id - sum(candidate.rung == 0 for candidate in self._parts.pace.waiting)

    @property
    def climbable(self) -> int:
        """How many replicates the candidates that may climb now have to train."""
        return self._parts.climbing.replicates

    def settle(self) -> None:
        """Steady mode: choose the survivors now, and not only when the next candidates are asked for."""
        self._parts.pace.settle()

    def ids_to_keep(self) -> set[int]:
        """Ids whose trained weights are worth keeping: they may climb or be chosen."""
        parts = self._parts
        ids = {*parts.pending, *(record.id for record in self.front())}
        ids.update(candidate.id for candidate in parts.pace.waiting if candidate.rung > 0)
        ids |= parts.climbing.contenders(2 * self.population_size)
        if len(self.ladder.rungs) > 1:
            ids.update(parts.population.arrivals.ended)
        return ids.difference(self.archive.failed)

    def state_dict(self, encode: Callable[[G], Any], *, rows: bool = True) -> dict[str, Any]:
        """The state of this search as JSON.

        Args:
            encode: turns a genome into JSON.
            rows: False leaves out the candidates, for a journal that has them. The state is then small, however many
                candidates there are.
        """
        return self._parts.state_dict(encode, rows=rows)

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
            ValueError: if this search has begun, or has other settings (seed, mode, objectives, ladder, rates, ...).
        """
        self._parts.load_state_dict(saved, decode, rows)

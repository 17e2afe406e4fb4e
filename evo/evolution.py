"""NSGA-II by ask and tell, steady-state or generational, over any `Space`. It never evaluates, logs or waits.

    evolution = Evolution(space, {"mae": "min", "params": "min"}, seed=0, population_size=32)
    for candidate in evolution.ask(8):
        evolution.tell(candidate, {"mae": 0.9, "params": 1200})
    evolution.front()

With a `Ladder`, a candidate is asked for again, on the next rung, while it is promising (evo/rungs.py).
Steady state: a child is bred from the current parents whenever one is asked for. Outcomes enter the population in the
order in which candidates were asked for, so that those that train quickly do not breed more than others; one that keeps
many others waiting is overtaken.
Generational: a generation is bred whole, and climbs and ends when its last candidate is told; results enter in the
order of ids, so the same seed gives the same front in whatever order, and by however many workers, they are evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Generic, Literal, get_args

from haemsa.evo import checkpoint as state
from haemsa.evo.archive import Archive
from haemsa.evo.breeding import Breeder
from haemsa.evo.candidate import Candidate, Evaluated, Failed, Failure, G, Outcome
from haemsa.evo.checkpoint import CandidateRow
from haemsa.evo.individual import Individual
from haemsa.evo.objectives import Direction, Objectives
from haemsa.evo.population import Arrivals, Population
from haemsa.evo.rungs import Ladder, Rung
from haemsa.evo.space import Space

Mode = Literal["steady", "generational"]
PATIENCE: Final = 2
"""Populations (or times all that are pending, if that is more) that wait for a slow candidate before they overtake it.

Half of the genomes taking ten times as long as the others, 1 leaves a bias, 2 none that could be measured.
"""


class Evolution(Generic[G]):
    """A multi-objective search over `space`.

    `objectives`: name to "min" or "max"; other scores told are kept, not used.
    `reference`: the hypervolume's reference point by objective name, else fixed after the first generation.
    `ladder`: rungs of rising fidelity; None: every candidate is evaluated once. In steady state, candidates climb when
    they have about `batch` replicates to train together, or when nothing new is asked for.
    `favour_first`: every other candidate that climbs is the best in the first objective (evo/rungs.py).
    `in_order`: steady state lets outcomes enter in the order asked for; False, as they are told: parents are fresher
    then, but what trains quickly breeds more.
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
        ladder: Ladder | None = None,
        batch: int = 1,
        favour_first: bool = False,
        in_order: bool = True,
    ) -> None:
        if seed < 0:
            raise ValueError(f"seed is {seed}, expected 0 or more")
        if population_size < 2:
            raise ValueError(f"population_size is {population_size}, expected 2 or more")
        if mode not in get_args(Mode):
            raise ValueError(f"mode is {mode!r}, expected one of {', '.join(get_args(Mode))}")
        self.space, self.seed, self.population_size, self.mode = space, seed, population_size, mode
        self.objectives, self.ladder, self.batch = Objectives.of(objectives), ladder or Ladder(), batch
        self.archive: Archive[G] = Archive(self.objectives, reference=reference, ladder=self.ladder)
        self.generation = 0
        """Generations completed (steady state: each is `population_size` candidates)."""
        self._breeder = Breeder(space, seed, population_size)
        count = len(self.objectives.names)
        self._rungs = [Rung(count, favours_first=favour_first) for _ in self.ladder.rungs]
        self._queue: list[Candidate[G]] = []  # bred, not yet asked for (generational)
        self._rising: list[Candidate[G]] = []  # promoted, not yet asked for (generational)
        self._pending: dict[int, Candidate[G]] = {}  # asked for, not yet told
        self._arrivals: Arrivals[G] = Arrivals()
        self._in_order = in_order
        self._population: Population[G] = Population(self.archive, population_size, self._breeder.toolbox.survive)

    def ask(self, n: int, *, new: int | None = None) -> list[Candidate[G]]:
        """Up to `n` candidates, at most `new` of them new (None: any number); never a genome twice on a rung.

        They are promising ones that climb to their next rung, or new ones. Generational: at most what is left of this
        generation, so none while its last candidates are being evaluated.
        Raises SpaceExhausted if new ones are asked for and not one can be found.
        """
        if n < 1:
            raise ValueError(f"{n} candidates were asked for, expected 1 or more")
        new = n if new is None else min(n, new)
        batch = self._ask_steady(n, new) if self.mode == "steady" else self._ask_generation(n, new)
        self._pending.update((candidate.id, candidate) for candidate in batch)
        self._arrivals.asked(candidate.id for candidate in batch)
        return batch

    def suggest(self, genomes: Iterable[G], parent: int | None = None) -> None:
        """Have these genomes, made from candidate `parent` or none, be asked for next; known ones are left out."""
        self._breeder.suggest(genomes, parent)

    def tell(self, candidate: Candidate[G], outcome: Outcome) -> Evaluated[G] | Failed[G]:
        """Take a candidate's scores or failure, and return it as recorded (a score that is not finite is a failure).

        Raises ValueError for a candidate that is not pending or an objective without a score; nothing changes then.
        """
        if candidate.id not in self._pending:
            raise ValueError(f"candidate {candidate.id} is told, but it is not one that was asked for and waits")
        settled = self.objectives.settle(outcome)
        candidate = self._pending.pop(candidate.id)
        record = self._record(candidate, settled)
        self._arrivals.end(record)
        if self.mode == "steady":
            self.generation += candidate.rung == 0 and len(self.archive) % self.population_size == 0
            most = PATIENCE * max(self.population_size, len(self._pending))
            self._enter(self._arrivals.take(most if self._in_order else 0))
        elif not (self._queue or self._rising or self._pending):
            self._end_stage()
            if not self._rising:
                self.generation += 1
                self._choose()
        if self.generation > 0:
            self.archive.fix_reference()
        return record

    def front(self) -> list[Evaluated[G]]:
        """The non-dominated candidates of the highest level that any reached, best first objective first."""
        return self.archive.front()

    def hypervolume(self) -> float:
        """Hypervolume of the front; 0.0 until the reference point is known."""
        return self.archive.hypervolume()

    @property
    def population(self) -> list[Individual[G]]:
        """The survivors. Steady state: chosen when children are bred or they are read, of all that entered by then."""
        self.settle()
        return self._population.members

    @property
    def pending(self) -> list[Candidate[G]]:
        """Candidates asked for and not told: after a restart, those to evaluate again."""
        return list(self._pending.values())

    @property
    def given(self) -> int:
        """How many distinct candidates were asked for so far."""
        return self._breeder.next_id - len(self._queue)

    def settle(self) -> None:
        """Steady state: choose the survivors now, of all that entered, not only when the next are asked for."""
        if self.mode == "steady":
            self._choose()

    def alive(self, *, parents: bool = True) -> set[int]:
        """Ids that may still climb or be chosen, or breed (`parents`): whose trained weights are worth keeping."""
        found = {*self._pending, *(item.id for item in self.front()), *(item.id for item in self._rising)}
        if parents:
            found.update(individual.id for individual in self._population.members)
            found.update(self._arrivals.ended, self._population.entered)
            found.update(parent for _, parent in self._breeder.suggested if parent is not None)
        elif len(self._rungs) > 1:
            found.update(self._arrivals.ended)
        for rung in self._rungs[:-1]:
            found.update(rung.contenders(2 * self.population_size))
        return {number for number in found if number not in self.archive.failed}

    def state_dict(self, encode: Callable[[G], Any], *, rows: bool = True) -> dict[str, Any]:
        """All state as JSON; `encode` turns a genome into JSON.

        `rows=False` leaves the candidates themselves out, for a journal that has them: small at any archive size.
        """
        return state.save(self, encode, rows=rows)

    def load_state_dict(
        self, saved: Mapping[str, Any], decode: Callable[[Any], G], rows: Iterable[CandidateRow] | None = None
    ) -> None:
        """Go on from `state_dict`'s value exactly as if never stopped; `rows` if it was saved without.

        Raises ValueError if this search was made with another seed, mode, population size, objectives or ladder.
        """
        state.load(self, saved, decode, rows)

    def _ask_steady(self, n: int, new: int) -> list[Candidate[G]]:
        """Those that climb from one rung, if there are enough of them, else new ones.

        Enough fill a batch, or are as many as a generation lets climb: a batch for a large device may be larger.
        Once nothing new is bred, nobody waits for a slower one.
        """
        if not new:
            self._enter(self._arrivals.take(0))
        self._choose()  # by the scores of this rung, before any climbs
        enough = min(self.batch, max(1, self.population_size // self.ladder.eta))
        for rung in reversed(range(len(self._rungs) - 1)):
            ready = self._promotable(rung)
            if ready and (not new or len(ready) * self.ladder.added(rung + 1) >= enough):
                return self._promote(rung, ready[:n])
        return self._breeder.breed(new, self._parents()) if new else []

    def _parents(self) -> list[Individual[G]]:
        """Steady state: the population, once as many have entered as it holds.

        The first to enter are those before the first slow one: too few to breed from without a bias.
        """
        return self._population.members if len(self._rungs[0]) >= self.population_size or not self._in_order else []

    def _ask_generation(self, n: int, new: int) -> list[Candidate[G]]:
        if not (self._pending or self._rising):
            if not new:  # a generation that is cut short climbs all the same
                self._end_stage()
            elif not self._queue:
                self._queue = self._breeder.breed(self.population_size, self.population)
        if self._rising:
            batch, self._rising = self._rising[:n], self._rising[n:]
        else:
            batch, self._queue = self._queue[:new], self._queue[new:]
        return batch

    def _record(self, candidate: Candidate[G], settled: Any) -> Evaluated[G] | Failed[G]:
        if isinstance(settled, Failure):
            failed = Failed(candidate.id, candidate.genome, candidate.parents, settled)
            self.archive.fail(failed)
            self._population.remove(failed.id)
            return failed
        evaluated = Evaluated(candidate.id, candidate.genome, candidate.parents, settled, candidate.rung)
        self.archive.add(evaluated)
        return evaluated

    def _end_stage(self) -> None:
        """Generational: all that ended enters, and the promising rise to their next rungs."""
        self._enter(self._arrivals.take_all())
        for rung in reversed(range(len(self._rungs) - 1)):
            self._rising += self._promote(rung, self._promotable(rung))

    def _enter(self, records: Iterable[Evaluated[G] | Failed[G]]) -> None:
        """Let outcomes count, on their rung and among the next population."""
        for record in records:
            if isinstance(record, Evaluated):
                self._count(record)
            self._population.enter(record.id)

    def _count(self, record: Evaluated[G]) -> None:
        """Let a record stand on its rung, to be compared with all others that reached it."""
        self._rungs[record.rung].put(record.id, self.objectives.means(record.scores))

    def _promotable(self, rung: int) -> list[int]:
        return [number for number in self._rungs[rung].promotable(self.ladder.eta) if number not in self.archive.failed]

    def _promote(self, rung: int, ids: Iterable[int]) -> list[Candidate[G]]:
        """The next candidates of those that climb from `rung`."""
        records = [self.archive.evaluated[number] for number in ids]
        self._rungs[rung].climbed.update(record.id for record in records)
        return [Candidate(record.id, record.genome, record.parents, rung + 1) for record in records]

    def _choose(self) -> None:
        """Choose the next population; scores of a higher rung count from when they enter, too."""
        self._population.choose(late=self._arrivals.ended)

"""The driver: ask, submit, collect, tell, record. It holds no opinion on genomes and never trains."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.run_directory.tables import evaluated_rows, point, thinned
from haemsa.cluster.search.budget import Budget, Clock
from haemsa.cluster.search.jobs import Jobs
from haemsa.cluster.search.statistics import SearchStatistics
from haemsa.cluster.shared.progress import Progress
from haemsa.cluster.tracking.records import GenerationEnded, shows
from haemsa.cluster.tracking.tracker import Tracker
from haemsa.cluster.workers.evaluator import Evaluator, Finished
from haemsa.evo.candidate import Candidate, Evaluated, Failure, Score
from haemsa.evo.evolution import Evolution
from haemsa.evo.space import SpaceExhausted
from haemsa.model.spec.genome import Genome

log = logging.getLogger(__name__)
BACKUP = 60.0
"""Seconds between copies of the journal, made when a generation ends."""
LEADERS = 2
"""Candidates, best first objective first, whose simpler variants are tried after each generation."""
MOST_POINTS = 1000
"""Candidates behind the front in a generation's picture."""


class Driver:
    """One search in progress: an evolution, an evaluator, and the places where everything is recorded."""

    def __init__(
        self,
        config: SearchConfig,
        evolution: Evolution[Genome],
        evaluator: Evaluator,
        run: RunDirectory,
        tracker: Tracker,
        progress: Progress,
        size: Callable[[Genome], float],
        *,
        simpler: Callable[[Genome], Sequence[Genome]] = lambda _: (),
        before: float = 0.0,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        """A search, not yet begun.

        `size` is what training a genome costs, to sort by; `simpler` gives the genomes to try beside a leader;
        `before`, the seconds that a resumed search took; `now` tells the time (a simulated cluster has its own).
        """
        self.config, self.evolution, self.evaluator = config, evolution, evaluator
        self.run_directory, self.tracker, self.progress = run, tracker, progress
        self.clock, self._size, self._simpler = Clock(before, now), size, simpler
        self.budget = Budget(config, evolution, self.clock, run.journal.state().get("budget"))
        self.standing = SearchStatistics(evolution, self.clock, self.budget)
        self.handover = Jobs(evolution, run.states, inherit=config.inherit)
        self._generation_of = {row.id: row.generation for row in run.journal.rows() if row.generation is not None}
        self._points = {item.id: self._point(item) for item in evolution.archive.evaluated.values()}
        self._exhausted = False
        self._since_generation = 0
        self._backed_up = before

    def run(self) -> str:
        """Search until the budget is spent; returns why it ended. Ctrl-C ends it cleanly."""
        try:
            self.handover.prune()  # what a killed process left behind
            self._submit(self.evolution.pending)
            while True:
                self._feed()
                if not self.evaluator.pending:
                    break
                for finished in self._collect():
                    self._take(finished)
        except KeyboardInterrupt:
            log.warning("interrupted: what was being trained is lost, the rest is kept")
            return "interrupted"
        finally:
            if self._since_generation:  # the last generation, cut short by the budget
                self._end_generation(self.evolution.generation + 1)
        return "space exhausted" if self._exhausted else self.budget.spent() or "done"

    def _feed(self) -> None:
        """Steady: something for each free worker. Generational: all that the generation has to give."""
        while self.evaluator.free:
            candidates = self._ask()
            if not candidates:
                return
            self._submit(candidates)

    def _ask(self) -> list[Candidate[Genome]]:
        """The next candidates; once no new one may come, only those that climb. None where time or patience is up."""
        spent = self.budget.spent()
        if spent in ("time", "patience"):
            return []
        try:
            candidates = self.evolution.ask(self._room(), new=0 if self._exhausted else self.budget.new())
        except SpaceExhausted as error:
            log.warning("%s", error)
            self._exhausted = True
            return self._ask()
        if candidates:
            self.run_directory.journal.asked(candidates, self._state())
        return candidates

    def _room(self) -> int:
        """How many candidates may be asked for at once: a cohort for each free worker, or a whole generation."""
        steady = self.config.mode == "steady"
        return self._genomes(0) * self.evaluator.free if steady else self.evolution.population_size

    def _genomes(self, rung: int) -> int:
        """Genomes in a cohort on a rung: their replicates fill it. Never more than end one generation."""
        fitting = self.evolution.batch // self.evolution.ladder.added(rung)
        return max(1, min(fitting, self.evolution.population_size))

    def _submit(self, candidates: Sequence[Candidate[Genome]]) -> None:
        """Give candidates to the workers, in cohorts of one rung and similar cost, which pad each other least.

        A generation's are the same for every backend and number of workers. Cohorts end whole, so what is left of a
        generation after a restart is cut as it was before (all together lack less than one cohort of being full).
        """
        if candidates and self.clock.first_submit is None:
            self.clock.first_submit = self.clock.now()
        for rung in sorted({candidate.rung for candidate in candidates}):
            mine = [candidate for candidate in candidates if candidate.rung == rung]
            mine.sort(key=lambda item: (self._size(item.genome), item.id))
            for cohort in self._cut(mine, self._genomes(rung)):
                self.evaluator.submit([self.handover.job(item) for item in cohort])

    def _cut(self, items: list[Candidate[Genome]], genomes: int) -> list[list[Candidate[Genome]]]:
        """Cohorts of at most so many genomes, as large as each other; in steady state for all workers that are free."""
        count = math.ceil(len(items) / genomes)
        if self.config.mode == "steady":
            count = max(count, min(len(items), self.evaluator.free))
        return [[items[place] for place in part] for part in np.array_split(np.arange(len(items)), count)]

    def _collect(self) -> list[Finished]:
        start = self.clock.now()
        finished = self.evaluator.collect()
        self.clock.collected(self.evaluator.workers, self.clock.now() - start)
        return finished

    def _take(self, finished: Finished) -> None:
        """Tell a cohort's outcomes, then record them with the state that they led to, in one transaction."""
        self.clock.busy += finished.seconds
        before = generation = self.evolution.generation
        ended: list[RungOutcome] = []
        for result in sorted(finished.results, key=lambda item: item.id):
            candidate = self.handover.given(result.id)
            number = self._generation_of.setdefault(result.id, self.evolution.generation + 1)
            record = self.evolution.tell(candidate, self._known(result.outcome))
            ends_one = self.evolution.generation > generation
            generation = self.evolution.generation
            self._since_generation = 0 if ends_one else self._since_generation + 1
            outcome = record.scores if isinstance(record, Evaluated) else record.failure
            share = finished.seconds / len(finished.results)
            ended.append(RungOutcome(result.id, outcome, number, share, finished.worker, candidate.rung))
            if isinstance(record, Evaluated):
                self._points[record.id] = self._point(record)
            else:
                self._points.pop(record.id, None)
                log.warning("candidate %d failed (%s): %s", record.id, record.failure.kind, record.failure.message)
        turned = self.evolution.generation > before
        if turned:
            self.budget.judge_progress()
            self._suggest_simpler()
        self.handover.keep(finished.results)
        self.run_directory.journal.record(ended, self._state())
        if self.config.mode == "steady" or not self.evolution.pending:
            self.handover.prune()
        if turned:
            self._end_generation(self.evolution.generation)
        self.progress.update(self.standing.status())

    def _point(self, item: Evaluated[Genome]) -> dict[str, Any]:
        return point(item, self.evolution.objectives.names)

    def _known(self, outcome: Mapping[str, Score] | Failure) -> Mapping[str, Score] | Failure:
        """Without metrics that the held-out labels leave undefined; an objective that is makes a failure, by `tell`."""
        if isinstance(outcome, Failure):
            return outcome
        names = self.evolution.objectives.names
        return {name: score for name, score in outcome.items() if score.finite or name in names}

    def _suggest_simpler(self) -> None:
        """Try the leaders without each of their modalities: one that is of no use else stays for many generations."""
        best = max((item.level for item in self.evolution.population), default=0)
        leaders = [item for item in self.evolution.population if item.level == best]
        for leader in sorted(leaders, key=lambda item: (item.losses[0], item.id))[:LEADERS]:
            self.evolution.suggest(self._simpler(leader.genome), leader.id)

    def _state(self) -> dict[str, Any]:
        return {
            "evolution": self.evolution.state_dict(lambda genome: genome.to_json(), rows=False),
            "seconds": self.clock.elapsed(),
            "budget": self.budget.state(),
        }

    def _end_generation(self, number: int) -> None:
        front = self.evolution.front()
        tables = self._tables(front) if shows(number) else {}
        self.tracker.generation(GenerationEnded(number, metrics=self.standing.metrics(), at=time.time(), **tables))
        self.run_directory.write_front(front)
        if self.clock.elapsed() - self._backed_up > BACKUP:
            self.run_directory.journal.back_up()
            self._backed_up = self.clock.elapsed()

    def _tables(self, front: Sequence[Evaluated[Genome]]) -> dict[str, Any]:
        """The survivors, the front, and what a picture shows behind it."""
        ids, evaluated = [item.id for item in front], self.evolution.archive.evaluated
        survivors = [evaluated[individual.id] for individual in self.evolution.population]
        return {
            "population": evaluated_rows(survivors, front=ids, generations=self._generation_of),
            "front": evaluated_rows(front, front=ids, generations=self._generation_of),
            "evaluated": thinned(list(self._points.values()), MOST_POINTS),
        }

"""The driver: ask, submit, collect, tell, record. It holds no opinion on genomes and never trains."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cluster.clock import Clock
from cluster.config import SearchConfig
from cluster.evaluator import Cohort, Evaluator, Finished
from cluster.journal import Ended, RunDirectory
from cluster.progress import Progress, Status
from cluster.tables import evaluated_rows
from cluster.tracking import GenerationEnded, Tracker
from evo.candidate import Candidate, Evaluated, Failure, Score
from evo.evolution import Evolution
from evo.space import SpaceExhausted
from model.spec import Genome

log = logging.getLogger(__name__)
LEADERS = 2
"""Candidates, best first objective first, whose simpler variants are tried after each generation."""


class Search:
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
    ) -> None:
        """A search, not yet begun.

        `size` is what training a genome costs, to sort by; `simpler` gives the genomes to try beside a leader;
        `before`, the seconds that a resumed search took.
        """
        self.config, self.evolution, self.evaluator = config, evolution, evaluator
        self.run_directory, self.tracker, self.progress = run, tracker, progress
        self.clock, self._size, self._simpler = Clock(before), size, simpler
        # a cohort larger than the population could end two generations at once
        self._cohort = min(config.cohort, config.population)
        self._generation_of = {row.id: row.generation for row in run.rows() if row.generation is not None}
        self._stored = run.stored_states()
        self._best_volume, self._stale = run.state().get("patience", (-1.0, 0))
        self._told_at_start = len(evolution.archive)
        self._exhausted = False
        self._since_generation = 0

    def run(self) -> str:
        """Search until the budget is spent; returns why it ended. Ctrl-C ends it cleanly."""
        try:
            self._resubmit()
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
        return "space exhausted" if self._exhausted else self._spent() or "done"

    def _resubmit(self) -> None:
        """After a restart, what was being trained goes first."""
        for cohort in self._cut(self.evolution.pending):
            self._submit(cohort)

    def _feed(self) -> None:
        """Steady: a cohort for each free worker. Generational: the whole generation. Both are cut by cost."""
        while self.evaluator.free and not self._exhausted and not self._spent():
            candidates = self._ask(self._room())
            if not candidates:
                return
            for cohort in self._cut(candidates):
                self._submit(cohort)

    def _room(self) -> int:
        """How many candidates may be asked for at once: the first ones have no parents to wait for."""
        steady = self.config.mode == "steady" and self.evolution.population
        most = self._cohort * self.evaluator.free if steady else self.config.population
        if self.config.evaluations is None:
            return most
        return min(most, self.config.evaluations - len(self.evolution.archive) - len(self.evolution.pending))

    def _ask(self, room: int) -> list[Candidate[Genome]]:
        if room < 1:
            return []
        try:
            candidates = self.evolution.ask(room)
        except SpaceExhausted as error:
            log.warning("%s", error)
            self._exhausted = True
            return []
        if candidates:
            self.run_directory.asked(candidates, self._state())
        return candidates

    def _cut(self, candidates: Sequence[Candidate[Genome]]) -> list[Cohort]:
        """Cohorts of similar cost, which pad each other least.

        A generation's are the same for every backend and number of workers. Cohorts end whole, so what is left of a
        generation after a restart is cut as it was before.
        """
        ordered = sorted(candidates, key=lambda item: (self._size(item.genome), item.id))
        return [ordered[start : start + self._cohort] for start in range(0, len(ordered), self._cohort)]

    def _submit(self, cohort: Cohort) -> None:
        if self.clock.first_submit is None:
            self.clock.first_submit = time.perf_counter()
        self.evaluator.submit(cohort)

    def _collect(self) -> list[Finished]:
        start = time.perf_counter()
        finished = self.evaluator.collect()
        self.clock.last_end = time.perf_counter()
        self.clock.waited += self.clock.last_end - start
        return finished

    def _take(self, finished: Finished) -> None:
        """Tell a cohort's outcomes, then record them with the state that they led to, in one transaction."""
        self.clock.busy += finished.seconds
        waiting = {candidate.id: candidate for candidate in self.evolution.pending}
        before, ended = self.evolution.generation, []
        for result in sorted(finished.results, key=lambda item: item.id):
            self._generation_of[result.id] = number = self.evolution.generation + 1
            record = self.evolution.tell(waiting[result.id], self._known(result.outcome))
            self._since_generation = 0 if self.evolution.generation == number else self._since_generation + 1
            outcome = record.scores if isinstance(record, Evaluated) else record.failure
            share = finished.seconds / len(finished.results)
            ended.append(Ended(result.id, outcome, number, share, finished.worker))
            if not isinstance(record, Evaluated):
                log.warning("candidate %d failed (%s): %s", record.id, record.failure.kind, record.failure.message)
        if self.evolution.generation > before:
            self._judge_progress()
            self._suggest_simpler()
        self._store_weights(finished)
        self.run_directory.record(ended, self._state())
        if self.evolution.generation > before:
            self._end_generation(self.evolution.generation)
        self.progress.update(self._status())

    def _known(self, outcome: Mapping[str, Score] | Failure) -> Mapping[str, Score] | Failure:
        """Without metrics that the held-out labels leave undefined; an objective that is makes a failure, by `tell`."""
        if isinstance(outcome, Failure):
            return outcome
        names = self.evolution.objectives.names
        return {name: score for name, score in outcome.items() if score.finite or name in names}

    def _suggest_simpler(self) -> None:
        """Try the leaders without each of their modalities: one that is of no use else stays for many generations."""
        leaders = sorted(self.evolution.population, key=lambda item: (item.losses[0], item.id))
        for leader in leaders[:LEADERS]:
            self.evolution.suggest(self._simpler(leader.genome), leader.id)

    def _judge_progress(self) -> None:
        """Count the generations since the hypervolume grew."""
        volume = self.evolution.hypervolume()
        self._stale = 0 if volume > self._best_volume else self._stale + 1
        self._best_volume = max(self._best_volume, volume)

    def _store_weights(self, finished: Finished) -> None:
        """Keep the weights of the front alone: what drops off it is forgotten, so the disk stays bounded."""
        front = {item.id for item in self.evolution.front()}
        for result in finished.results:
            if result.id in front and result.weights:
                arrays = {f"{k}/{name}": a for k, fold in enumerate(result.weights) for name, a in fold.items()}
                self.run_directory.save_state(result.id, arrays)
                self._stored.add(result.id)
        for number in self._stored - front:
            self.run_directory.drop_state(number)
        self._stored &= front

    def _state(self) -> dict[str, Any]:
        return {
            "evolution": self.evolution.state_dict(Genome.to_json, rows=False),
            "seconds": self.clock.elapsed(),
            "patience": [self._best_volume, self._stale],
        }

    def _end_generation(self, number: int) -> None:
        archive, front = self.evolution.archive, self.evolution.front()
        ids = [item.id for item in front]

        def rows(items: Sequence[Evaluated[Genome]]) -> list[dict[str, Any]]:
            return evaluated_rows(items, front=ids, generations=self._generation_of)

        survivors = [archive.evaluated[individual.id] for individual in self.evolution.population]
        self.tracker.generation(
            GenerationEnded(
                number=number,
                population=rows(survivors),
                front=rows(front),
                metrics=self._metrics(),
                evaluated=rows(list(archive.evaluated.values())),
            )
        )
        self.run_directory.write_front(front)

    def _metrics(self) -> dict[str, float]:
        return {
            "hypervolume": self.evolution.hypervolume(),
            **{f"best_{name.replace('/', '_')}": value for name, value in self._best().items()},
            "front_size": float(self.evolution.archive.front_size),
            "evaluations": float(len(self.evolution.archive)),
            "failures": float(len(self.evolution.archive.failed)),
            "busy_fraction": self.clock.busy_fraction(self.evaluator.workers),
        }

    def _best(self) -> dict[str, float]:
        """The best mean of each objective over the front."""
        front = self.evolution.front()
        if not front:
            return {}
        pick = {"min": min, "max": max}
        directions = self.evolution.objectives.directions
        return {name: pick[way](item.scores[name].mean for item in front) for name, way in directions}

    def _spent(self) -> str | None:
        """Why the search may end: which budget is spent. None while all have something left."""
        if self.config.evaluations is not None and len(self.evolution.archive) >= self.config.evaluations:
            return "evaluations"
        if self.config.time is not None and self.clock.elapsed() >= self.config.time:
            return "time"
        if self.config.patience is not None and self._stale >= self.config.patience:
            return "patience"
        return None

    def _status(self) -> Status:
        done, elapsed = len(self.evolution.archive), self.clock.elapsed()
        return Status(
            evaluations=done,
            total=self.config.evaluations,
            failures=len(self.evolution.archive.failed),
            best=self._best(),
            front_size=self.evolution.archive.front_size,
            busy_fraction=self.clock.busy_fraction(self.evaluator.workers),
            elapsed=elapsed,
            remaining=self._remaining(done, elapsed),
            generation=self.evolution.generation,
        )

    def _remaining(self, done: int, elapsed: float) -> float | None:
        """Seconds left: by the time limit, or by the pace of this session, whichever ends first."""
        ends = [] if self.config.time is None else [max(0.0, self.config.time - elapsed)]
        session = done - self._told_at_start
        if self.config.evaluations is not None and session:
            pace = (elapsed - self.clock.before) / session
            ends.append(pace * (self.config.evaluations - done))
        return min(ends) if ends else None

    def statistics(self) -> dict[str, Any]:
        """What the summary says of the search's cost."""
        told = max(1, len(self.evolution.archive) - self._told_at_start)
        session = time.perf_counter() - self.clock.start
        return {
            "evaluations": len(self.evolution.archive),
            "failures": len(self.evolution.archive.failed),
            "wall_seconds": self.clock.elapsed(),
            "worker_busy_fraction": self.clock.busy_fraction(self.evaluator.workers),
            "overhead_ms_per_evaluation": 1e3 * (session - self.clock.waited) / told,
            "hypervolume": self.evolution.hypervolume(),
        }

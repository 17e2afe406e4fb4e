"""The driver of a search: ask, submit, collect, tell, record. It never trains, and it has no opinion on genomes.

ask      the evolution gives candidates
submit   they go to workers, in cohorts
collect  workers give results back
tell     the evolution learns the scores
record   the journal gets the scores, and the state of the search after them
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.budget import Budget, Clock
from haemsa.cluster.search.confirmation import Confirmation, chosen_to_confirm
from haemsa.cluster.search.evolution import suggest_simpler
from haemsa.cluster.search.statistics import GenerationTables, SearchStatistics
from haemsa.cluster.search.work.cohorts import Cohorts
from haemsa.cluster.search.work.jobs import Jobs
from haemsa.cluster.shared.progress import Progress, line
from haemsa.cluster.tracking.records import GenerationEnded, shows
from haemsa.cluster.tracking.tracker import Tracker
from haemsa.cluster.workers.evaluator import Evaluator, Finished
from haemsa.cluster.workers.own_objectives.first_failures import FirstFailures
from haemsa.evo.candidate import Candidate, Evaluated, Failed, Failure, Score
from haemsa.evo.evolution import Evolution
from haemsa.evo.space import SpaceExhausted
from haemsa.model.spec.genome import Genome

log = logging.getLogger(__name__)
BACKUP: Final = 60.0
"""The journal is copied when a generation ends, if the last copy is at least so many seconds old."""


class Driver:
    """One search in progress: an evolution, workers, and the places where everything is recorded."""

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
        confirmation: Confirmation | None = None,
        before: float = 0.0,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Prepare a search; `run` starts it.

        Args:
            config: The settings. Sizes are numbers, not "auto".
            evolution: The evolution, new or loaded from the run directory.
            evaluator: Trains cohorts.
            run: Where the journal and the weights are kept.
            tracker: Gets a record of each generation.
            progress: Shows how the search stands.
            size: What training a genome costs. Genomes of similar cost are trained together.
            simpler: Gives the simpler genomes that are tried for a leader.
            confirmation: Gets what would idle near the end. None: nothing is confirmed.
            before: Seconds that earlier sessions of this search took.
            now: The time in seconds. A simulated cluster has its own.
        """
        self.config, self.evolution, self.evaluator = config, evolution, evaluator
        self.run_directory, self.tracker, self.progress = run, tracker, progress
        self.clock, self._simpler = Clock(before, now), simpler
        state = run.journal.state()
        self.budget = Budget(config, evolution, self.clock, state.get("budget"))
        self._left_before = int(state.get("nodes_left", 0))
        self.statistics = SearchStatistics(evolution, self.clock, self.budget)
        self.jobs = Jobs(evolution, run.states)
        self.cohorts, self.confirmation = Cohorts(evolution, evaluator, size, self._new), confirmation
        self._generation_of = {row.id: row.generation for row in run.journal.rows() if row.generation is not None}
        self._tables = GenerationTables(evolution, self._generation_of)
        self._exhausted, self._first_failures = False, FirstFailures()
        self._told_since_generation = 0
        self._backed_up, self._generation_began = before, time.time()

    @property
    def nodes_left(self) -> int:
        """Nodes that left with workers, in all sessions of this search."""
        return self._left_before + self.evaluator.left

    def run(self) -> str:
        """Search until the budget is spent; Ctrl-C ends it cleanly. Returns why it ended.

        Raises:
            ValueError: An objective of one's own failed for each of the first genomes. All is recorded.
        """
        try:
            self.jobs.prune(self.evolution.ids_to_keep())  # weights that a killed process left behind
            self._submit(self.evolution.pending)  # candidates that were trained when the last session ended
            while True:
                self._ask_and_submit()
                if not (self.evolution.pending and self.evaluator.pending):
                    break
                for finished in self._collect():
                    self._tell_and_record(finished)
            self.progress.update(self.statistics.searched())
        except KeyboardInterrupt:
            log.warning("interrupted: what was being trained is lost, the rest is kept")
            return "interrupted"
        finally:
            if self._told_since_generation:  # the last generation, which the budget cut short
                self.evolution.log_generation()
                self._end_generation(self.evolution.generation + 1)
        return "space exhausted" if self._exhausted else self.budget.spent() or "done"

    # -- ask

    def _ask_and_submit(self) -> None:
        """Give work to the free workers. In generational mode they get all that the generation still has."""
        while self.evaluator.free:
            candidates = self._ask()
            self._submit(candidates)
            if not candidates and not self.cohorts.take_over():
                self._confirm_ahead()
                return

    def _confirm_ahead(self) -> None:
        """Let workers confirm what would be chosen now, where they would idle until the last candidates have ended."""
        steady = self.config.mode == "steady"
        if self.confirmation and steady and self.evolution.pending and self.confirmation.room:
            self.confirmation.begin_ahead(chosen_to_confirm(self.evolution, self.config.confirm))

    def _ask(self) -> list[Candidate[Genome]]:
        """The next candidates. None where time or patience is spent; where evaluations are, only those that climb."""
        if self.budget.spent() in ("time", "patience"):
            return []
        try:
            candidates = self.evolution.ask(self.cohorts.most_asked(), new=self._new())
        except SpaceExhausted as error:
            log.warning("%s", error)
            self._exhausted = True
            return self._ask()
        if candidates:
            self.run_directory.journal.asked(candidates, self._state())
        return candidates

    def _new(self) -> int | None:
        """How many new candidates may still be asked for; None: any number."""
        return 0 if self._exhausted else self.budget.new()

    def _submit(self, candidates: Sequence[Candidate[Genome]]) -> None:
        """Give candidates to the workers."""
        if candidates and self.clock.first_submit is None:
            self.clock.first_submit = self.clock.now()
        self.cohorts.submit(candidates, self.jobs.job)

    # -- collect

    def _collect(self) -> list[Finished]:
        """Wait for cohorts to end. A candidate whose replicates several workers train ends with the last of them."""
        start = self.clock.now()
        finished = self.evaluator.collect(self.cohorts.look_after())
        self.clock.collected(self.evaluator.workers, self.clock.now() - start)
        for item in finished:
            self.clock.ended(item)
        return self.cohorts.ended(self.confirmation.taken(finished) if self.confirmation else finished)

    # -- tell and record

    def _tell_and_record(self, finished: Finished) -> None:
        """Tell the evolution how a cohort ended, then record that with the state after it, in one transaction."""
        before = self.evolution.generation
        outcomes = self._tell(finished)
        generation_ended = self.evolution.generation > before
        if generation_ended:
            self.budget.judge_progress()
            suggest_simpler(self.evolution, self._simpler)
        self.evolution.settle()
        ids_to_keep = self.evolution.ids_to_keep()
        self.jobs.keep(finished.results, ids_to_keep)
        self.run_directory.journal.record(outcomes, self._state())
        if self.config.mode == "steady" or not self.evolution.pending:
            self.jobs.prune(ids_to_keep)
        if generation_ended:
            self._end_generation(self.evolution.generation)
        self.progress.update(self.statistics.status())
        self._first_failures.learn(finished.results)

    def _tell(self, finished: Finished) -> list[RungOutcome]:
        """Tell each result of a cohort, in the order of ids. Returns what the journal records of them."""
        share = finished.seconds / len(finished.results)
        outcomes: list[RungOutcome] = []
        for result in sorted(finished.results, key=lambda item: item.id):
            candidate, before = self.jobs.candidate(result.id), self.evolution.generation
            generation = self._generation_of.setdefault(result.id, before + 1)
            record = self.evolution.tell(candidate, self._without_undefined(result.outcome))
            ended = self.evolution.generation > before
            self._told_since_generation = 0 if ended else self._told_since_generation + 1
            self._tables.note(record)
            if isinstance(record, Failed):
                log.warning("candidate %d failed (%s): %s", record.id, record.failure.kind, record.failure.message)
            outcome = record.scores if isinstance(record, Evaluated) else record.failure
            self.budget.forecast.learn(candidate.rung, share)
            outcomes.append(RungOutcome(result.id, outcome, generation, share, finished.worker, candidate.rung))
        return outcomes

    def _without_undefined(self, outcome: Mapping[str, Score] | Failure) -> Mapping[str, Score] | Failure:
        """Scores without metrics that the held-out labels leave undefined. An objective stays: `tell` makes it fail."""
        if isinstance(outcome, Failure):
            return outcome
        objectives = self.evolution.objectives.names
        return {name: score for name, score in outcome.items() if score.finite or name in objectives}

    def _state(self) -> dict[str, Any]:
        """What the journal keeps so that the search can be resumed. The candidates themselves are in its rows."""
        return {
            "evolution": self.evolution.state_dict(lambda genome: genome.to_json(), rows=False),
            "seconds": self.clock.elapsed(),
            "budget": self.budget.state(),
            "left": {"seconds": self.budget.remaining()},  # `haemsa watch` shows it
            **({"nodes_left": self.nodes_left} if self.nodes_left else {}),
        }

    def _end_generation(self, number: int) -> None:
        """Tell the tracker, write the front, and copy the journal now and then."""
        log.info("generation %d: %s", number, line(self.statistics.status()))
        front = self.evolution.front()
        tables = self._tables.rows(front) if shows(number) else {}
        began, self._generation_began = self._generation_began, time.time()
        facts = {**tables, "metrics": self.statistics.metrics(), "began": began, "at": self._generation_began}
        self.tracker.generation(GenerationEnded(number, **facts))
        self.run_directory.write_front(front)
        if self.clock.elapsed() - self._backed_up > BACKUP:
            self.run_directory.journal.back_up()
            self._backed_up = self.clock.elapsed()

"""Confirmation: the front is trained again from scratch, with fresh seeds, so that no winner owes its place to luck.

In steady mode it begins while the last candidates climb: workers that would idle confirm those that would be chosen
now. Most of these are chosen in the end. The scores that confirm a candidate do not depend on when it is trained.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from haemsa.cluster.search.problem import Problem
from haemsa.cluster.search.work.cohorts import share
from haemsa.cluster.search.work.split_jobs import SplitJobs
from haemsa.cluster.workers.evaluator import Evaluator, Finished
from haemsa.cluster.workers.job import Job, Result
from haemsa.evo.candidate import Candidate, Evaluated, Failure, Score
from haemsa.evo.evolution import Evolution
from haemsa.evo.nsga2 import crowding_distance
from haemsa.evo.objectives import Objectives
from haemsa.evo.rungs import Fidelity
from haemsa.model.seeds import SeedPurpose
from haemsa.model.spec.genome import Genome

log = logging.getLogger(__name__)
CONFIRMING_SEEDS: Final = 5
"""So many networks confirm a genome where one split scores it."""
SPARE: Final = 4
"""One worker in so many is left for candidates that climb."""


def contenders(
    front: Sequence[Evaluated[Genome]], best: Sequence[Evaluated[Genome]], objectives: Objectives, count: int
) -> list[Evaluated[Genome]]:
    """The candidates to confirm, at most `count`.

    Half of them are the `best` in the first objective. The others are of the front, from where it has the fewest
    neighbours. The best may be dominated: by chance a candidate with few replicates may dominate a better one with
    many. If the front is small, more of the best take its place.
    """
    if not front:
        return []
    losses = np.array([objectives.means(item.scores) for item in front])
    spread = [front[index] for index in np.argsort(-crowding_distance(losses), kind="stable")]
    half = (count + 1) // 2
    return list({item.id: item for item in (*best[:half], *spread, *best[half:])}.values())[:count]


def chosen_to_confirm(evolution: Evolution[Genome], count: int) -> list[Evaluated[Genome]]:
    """The candidates of a search to confirm, at most `count`.

    If fewer have final scores, those that were nearly promoted to final scores are among them.
    """
    archive, objectives = evolution.archive, evolution.objectives
    chosen = contenders(evolution.front(), archive.best(count), objectives, count)
    if len(chosen) < count:
        below = archive.runners_up()
        chosen += contenders(below, below, objectives, count - len(chosen))
    return chosen


def confirming_replicates(folds: int, kind: str) -> int:
    """How many networks confirm a genome, by the number and the kind of the folds."""
    return max(folds, CONFIRMING_SEEDS if kind.startswith("holdout") else 1)


class Confirmation:
    """Trains candidates again from scratch, each of them once.

    Args:
        evaluator: Trains cohorts.
        replicates: How many times each genome is trained.
        size: What training a genome costs. Genomes of similar cost are trained together.
    """

    def __init__(self, evaluator: Evaluator, replicates: int, size: Callable[[Genome], float]) -> None:
        self._evaluator, self._replicates, self._size = evaluator, replicates, size
        self._split, self._begun = SplitJobs(), set[int]()
        self._results: dict[int, Result] = {}

    @classmethod
    def of(cls, problem: Problem, evaluator: Evaluator) -> Confirmation:
        """The confirmation of a search on a problem."""
        return cls(evaluator, confirming_replicates(len(problem.folds), problem.folds.kind), problem.size)

    @property
    def room(self) -> int:
        """Idle workers that may begin a candidate ahead; 0 if they are too few to share its replicates.

        A quarter of all workers is left for candidates that climb.
        """
        workers = self._evaluator.workers
        free, enough = self._evaluator.free - workers // SPARE, max(1, min(self._replicates, workers // 2))
        return free if free >= enough else 0

    def begin_ahead(self, chosen: Sequence[Evaluated[Genome]]) -> None:
        """Begin candidates, the first ones first, while there is room."""
        for item in self._left(chosen):
            if room := self.room:
                self._begin([item], math.ceil(self._replicates / room), split=True)

    def taken(self, finished: Sequence[Finished]) -> list[Finished]:
        """Take what was confirmed from what has ended. Returns the rest."""
        self._take(item for item in finished if item.results[0].purpose == SeedPurpose.CONFIRMATION)
        return [item for item in finished if item.results[0].purpose != SeedPurpose.CONFIRMATION]

    def confirm(
        self, chosen: Sequence[Evaluated[Genome]], batch: int, told: Callable[[int, int], None], *, shared: bool = False
    ) -> dict[int, Result]:
        """Train what was not begun ahead, in cohorts of about `batch` networks of similar size, and wait for all.

        Args:
            chosen: The candidates to confirm.
            batch: Networks in a cohort.
            told: Is told how many of how many genomes have ended: first, and after each cohort.
            shared: Whether all workers get an equal share. Otherwise cohorts are the same for any number of workers.

        Returns:
            Results by id, with weights and held-out predictions. A candidate that fails is left out.
        """
        left = self._left(chosen)
        networks = share(len(left) * self._replicates, self._evaluator.workers, batch) if shared else batch
        self._begin(left, networks, split=networks < batch)
        results = self._of(chosen)
        told(len(results), len(chosen))
        while self._evaluator.pending:
            self._take(self._evaluator.collect())
            results = self._of(chosen)
            told(len(results), len(chosen))
        for result in results.values():
            if isinstance(result.outcome, Failure):
                log.warning("candidate %d failed when confirmed: %s", result.id, result.outcome.message)
        return {number: result for number, result in sorted(results.items()) if not isinstance(result.outcome, Failure)}

    def _begin(self, chosen: Sequence[Evaluated[Genome]], networks: int, *, split: bool) -> None:
        """Give candidates to the workers, in cohorts of about so many `networks`."""
        fidelity = Fidelity(None, self._replicates)
        jobs = [
            Job(Candidate(item.id, item.genome, item.parents), fidelity, purpose=SeedPurpose.CONFIRMATION, outputs=True)
            for item in sorted(chosen, key=lambda item: (self._size(item.genome), item.id))
        ]
        self._begun |= {job.id for job in jobs}
        genomes = max(1, networks // self._replicates)
        for start in range(0, len(jobs), genomes):
            cohort = jobs[start : start + genomes]
            for part in self._split.cohorts(cohort, networks) if split else [cohort]:
                self._evaluator.submit(part)

    def _left(self, chosen: Sequence[Evaluated[Genome]]) -> list[Evaluated[Genome]]:
        """Those that were not begun."""
        return [item for item in chosen if item.id not in self._begun]

    def _take(self, finished: Iterable[Finished]) -> None:
        for item in self._split.gathered(finished):
            self._results |= {result.id: result for result in item.results}

    def _of(self, chosen: Sequence[Evaluated[Genome]]) -> dict[int, Result]:
        """What has ended of these, by id."""
        return {item.id: self._results[item.id] for item in chosen if item.id in self._results}


def confirmed_front(
    chosen: Sequence[Evaluated[Genome]], results: Mapping[int, Result], objectives: Objectives
) -> list[Evaluated[Genome]]:
    """The non-dominated candidates by their confirmed scores, best first objective first."""
    import moocore

    records = []
    for item in chosen:
        outcome = results[item.id].outcome if item.id in results else None
        if outcome is not None and not isinstance(outcome, Failure):
            scores: Mapping[str, Score] = {name: score for name, score in outcome.items() if score.finite}
            records.append(Evaluated(item.id, item.genome, item.parents, scores, item.rung))
    if not records:
        return []
    losses = np.array([objectives.means(record.scores) for record in records])
    kept = np.flatnonzero(moocore.is_nondominated(losses, keep_weakly=True))
    return [records[index] for index in sorted(kept, key=lambda index: (*losses[index], records[index].id))]

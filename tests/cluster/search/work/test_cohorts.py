"""Who trains together: equal shares of what is left, and near the end a candidate on several workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from haemsa.cluster.workers.evaluator import Finished, JobBatch
from haemsa.cluster.workers.job import Job
from tests.support.cluster.driver import Driven, Workers

LONG: dict[str, Any] = {"rungs": True, "evaluations": 60, "cohort": 6}


class Seen(Workers):
    """Notes every cohort that is submitted, and can stop at the first that ends a part."""

    def __init__(self, workers: int, *, stop_at_a_part: bool = False, seed: int = 0) -> None:
        super().__init__(workers, seed)
        self.cohorts: list[list[Job]] = []
        self._stop = stop_at_a_part

    def submit(self, cohort: JobBatch) -> None:
        self.cohorts.append(list(cohort))
        super().submit(cohort)

    def collect(self, timeout: float | None = None) -> list[Finished]:
        found = super().collect(timeout)
        if self._stop and any(result.replicates for finished in found for result in finished.results):
            raise KeyboardInterrupt  # with one part of a candidate collected, and others not
        return found

    def parts(self) -> dict[tuple[int, int], list[tuple[int, ...]]]:
        """The parts of each candidate and rung that was split."""
        found: dict[tuple[int, int], list[tuple[int, ...]]] = {}
        for job in (job for cohort in self.cohorts for job in cohort if job.part is not None):
            found.setdefault((job.id, job.candidate.rung), []).append(job.part or ())
        return found


class Late(Seen):
    """At the end every cohort that may be taken back is, as if it took too long."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self.taken: list[list[Job]] = []

    def take_back(self, times: float, may: Callable[[JobBatch], bool]) -> JobBatch | None:
        for cohort in filter(may, list(self._running)):
            self._running.remove(cohort)
            self.taken.append(list(cohort))
            return cohort
        return None


def networks(cohort: JobBatch) -> list[tuple[int, int, int]]:
    """Candidate, rung and replicate of each network that a cohort trains."""
    return [(job.id, job.candidate.rung, replicate) for job in cohort for replicate in job.waiting()]


def rows_of(driven: Driven) -> dict[int, Any]:
    return {row.id: (row.status, row.outcomes) for row in driven.run.journal.rows()}


def test_the_last_candidates_are_trained_by_all_workers_and_every_fold_once(tmp_path: Path) -> None:
    workers = Seen(5)
    with Driven(tmp_path / "run", workers, **LONG) as driven:
        assert driven.search.run() == "evaluations"
        ladder, rows = driven.evolution.ladder, rows_of(driven)
    parts = workers.parts()
    assert parts
    for (number, rung), found in parts.items():
        below = ladder.rungs[rung].replicates - ladder.added(rung)
        assert sorted(replicate for part in found for replicate in part) == list(
            range(below, ladder.rungs[rung].replicates)
        )
        assert len(rows[number][1][rung]["mae"].values) == ladder.rungs[rung].replicates
    assert all(len(cohort) == 1 for cohort in workers.cohorts if cohort[0].part)


def test_candidates_with_one_replicate_stay_in_full_cohorts_to_the_end(tmp_path: Path) -> None:
    workers = Seen(2)
    with Driven(tmp_path / "run", workers, **{**LONG, "cohort": 8}) as driven:
        driven.search.run()
    new = [len(cohort) for cohort in workers.cohorts if cohort[0].candidate.rung == 0]
    assert new == [8] * 7 + [4]


@pytest.mark.parametrize(
    ("workers", "settings"),
    [
        (1, LONG),
        (5, {**LONG, "mode": "generational"}),
        (5, {**LONG, "rungs": False}),
        (5, {**LONG, "evaluations": None, "patience": 2}),
    ],
)
def test_nothing_is_split_for_one_worker_in_generations_without_folds_or_without_an_end_in_sight(
    tmp_path: Path, workers: int, settings: dict[str, Any]
) -> None:
    seen = Seen(workers)
    with Driven(tmp_path / "run", seen, **settings) as driven:
        driven.search.run()
    assert seen.parts() == {}


def test_a_search_that_stops_between_the_parts_of_a_candidate_trains_it_again(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with Driven(path, Seen(5, stop_at_a_part=True), **LONG) as driven:
        assert driven.search.run() == "interrupted"
        asked = {candidate.id: candidate.rung for candidate in driven.evolution.pending}
    with Driven(path, workers := Seen(5), **LONG) as driven:
        assert driven.search.run() == "evaluations"
        rows = rows_of(driven)
    assert {(job.id, job.candidate.rung) for cohort in workers.cohorts for job in cohort} >= asked.items()
    assert len(rows) == 60 and {status for status, _ in rows.values()} == {"done"}
    for number, rung in asked.items():
        assert len(rows[number][1]) > rung


@pytest.mark.parametrize("workers", [2, 7, 12])
def test_what_takes_too_long_at_the_end_begins_anew_once_with_one_network_on_each_idle_worker(
    tmp_path: Path, workers: int
) -> None:
    late = Late(workers)
    with Driven(tmp_path / "run", late, **{**LONG, "cohort": 12}) as driven:
        assert driven.search.run() == "evaluations"
        rows, ladder = rows_of(driven), driven.evolution.ladder
    taken = [network for cohort in late.taken for network in networks(cohort)]
    times = Counter(network for cohort in late.cohorts for network in networks(cohort))
    assert {network for network, count in times.items() if count > 1} == set(taken)
    assert taken and len(set(taken)) == len(taken) and set(times.values()) <= {1, 2}
    assert max(len(networks(cohort)) for cohort in late.taken) < workers
    assert {status for status, _ in rows.values()} == {"done"} and len(rows) == 60
    for number, rung, _ in taken:
        assert len(rows[number][1][rung]["mae"].values) == ladder.rungs[rung].replicates

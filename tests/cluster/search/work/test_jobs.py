"""What workers get with a candidate, and what is kept of their results: rung by rung and fold by fold."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from haemsa.cluster.workers.evaluator import JobBatch, TrainCohort
from haemsa.cluster.workers.job import Job, Result
from haemsa.evo.rungs import Fidelity
from tests.support.cluster.driver import LADDER, Driven, Workers, counting
from tests.support.cluster.trainers import instant

MODES = ["steady", "generational"]
LONG: dict[str, Any] = {"rungs": True, "evaluations": 60, "cohort": 6}


def keeping(train: TrainCohort, jobs: list[Job]) -> TrainCohort:
    """Notes every job."""

    def trained(cohort: JobBatch) -> list[Result]:
        jobs.extend(cohort)
        return train(cohort)

    return trained


def searched(path: Path, mode: str, **settings: Any) -> tuple[list[Job], Driven]:
    jobs: list[Job] = []
    with Driven(path, keeping(instant, jobs), mode=mode, **LONG, **settings) as driven:
        driven.search.run()
        return jobs, driven


@pytest.mark.parametrize("mode", MODES)
def test_a_candidate_climbs_from_its_own_weights_and_scores(tmp_path: Path, mode: str) -> None:
    jobs, _ = searched(tmp_path / "run", mode)
    by_id: dict[int, list[Job]] = {}
    for job in jobs:
        by_id.setdefault(job.id, []).append(job)
    assert len(by_id) == 60
    climbed = [found for found in by_id.values() if len(found) > 1]
    assert len(climbed) >= 60 // LADDER.eta - 4
    for found in climbed:
        assert [job.fidelity for job in found] == list(LADDER.rungs[: len(found)])
        for below, job in itertools.pairwise(found):
            assert job.reached == below.fidelity
            assert len(job.known["mae"]) == below.fidelity.replicates
            assert "params" not in job.known
            assert set(job.states) == set(range(below.fidelity.replicates))
            assert job.states[0].read("weights")["own"].tolist() == [job.id, job.id]


@pytest.mark.parametrize("mode", MODES)
def test_the_disk_holds_what_may_still_be_needed_and_nothing_twice(tmp_path: Path, mode: str) -> None:
    _, driven = searched(tmp_path / "run", mode)
    kept = driven.run.states.kept()
    assert {number for number, _ in kept} <= driven.evolution.ids_to_keep()
    assert all(rung == driven.evolution.archive.evaluated[number].rung for number, rung in kept)
    assert {item.id for item in driven.evolution.front()} <= {number for number, _ in kept}


@pytest.mark.parametrize("workers", [1, 3])
def test_with_rungs_too_the_front_is_the_same_for_any_number_of_workers(tmp_path: Path, workers: int) -> None:
    fronts = []
    for name, evaluator in {"inline": instant, "workers": Workers(workers, seed=workers)}.items():
        with Driven(tmp_path / name, evaluator, mode="generational", **LONG) as driven:
            assert driven.search.run() == "evaluations"
            fronts.append(driven.front())
    assert fronts[0] == fronts[1]
    assert driven.evolution.archive.top_level == LADDER.full


@pytest.mark.parametrize("stop_at", [1, 5, 11, 17, 22])
def test_with_rungs_too_an_interrupted_search_ends_as_one_that_was_not(tmp_path: Path, stop_at: int) -> None:
    whole: list[list[int]] = []
    with Driven(tmp_path / "whole", counting(by_weights(), whole), mode="generational", **LONG) as driven:
        driven.search.run()
        expected = driven.front()
    parts: list[list[int]] = []
    with Driven(tmp_path / "parts", counting(by_weights(), parts, stop_at), mode="generational", **LONG) as driven:
        assert driven.search.run() == "interrupted"
    with Driven(tmp_path / "parts", counting(by_weights(), parts), mode="generational", **LONG) as driven:
        assert driven.search.run() == "evaluations"
        assert driven.front() == expected
    assert parts == whole


def by_weights() -> TrainCohort:
    """Scores that depend on the weights a job brings, so that a lost or another one would show."""

    def train(cohort: JobBatch) -> list[Result]:
        results = []
        for job, result in zip(cohort, instant(cohort), strict=True):
            shift = 1e-4 * sum(float(state.read("raw")["own"][0]) for state in job.states.values())
            assert isinstance(result.outcome, dict)
            mae = result.outcome["mae"]
            moved = type(mae).of([value + shift for value in mae.values])
            results.append(Result(result.id, {**result.outcome, "mae": moved}, result.states))
        return results

    return train


def test_weights_that_a_killed_process_wrote_for_nothing_are_dropped(tmp_path: Path) -> None:
    with Driven(tmp_path / "run", counting(instant, [], stop_at=4), **LONG) as driven:
        driven.search.run()
        states = instant([Job(driven.evolution.pending[0], Fidelity(3))])[0].states
        driven.run.states.save(driven.evolution.pending[0].id, 7, states)
    with Driven(tmp_path / "run", instant, **LONG) as driven:
        driven.search.jobs.prune(driven.evolution.ids_to_keep())
        assert 7 not in {rung for _, rung in driven.run.states.kept()}


@pytest.mark.parametrize(
    ("fidelity", "reached", "waiting"),
    [
        (Fidelity(3, 1), None, {0: 3}),
        (Fidelity(9, 1), Fidelity(3, 1), {0: 9}),
        (Fidelity(None, 1), Fidelity(9, 1), {0: 20}),
        (Fidelity(None, 3), Fidelity(None, 1), {1: 20, 2: 20}),
        (Fidelity(12, 1), Fidelity(3, 1), {0: 20}),  # twelve are more than half of twenty
        (Fidelity(None, 2), Fidelity(12, 1), {1: 20}),  # the first was trained to its end before
    ],
)
def test_a_job_trains_what_the_rung_below_left(
    job_of: Callable[..., Job], fidelity: Fidelity, reached: Fidelity | None, waiting: dict[int, int]
) -> None:
    assert job_of(fidelity, reached).waiting() == waiting


@pytest.fixture
def job_of() -> Callable[..., Job]:
    from dataclasses import replace

    from tests.support.cluster.search_fakes import candidates

    (candidate,) = candidates(1)
    genome = replace(candidate.genome, training=replace(candidate.genome.training, epochs=20))
    return lambda fidelity, reached: Job(replace(candidate, genome=genome), fidelity, reached)

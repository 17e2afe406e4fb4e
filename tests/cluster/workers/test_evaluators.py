"""One contract for every evaluator; and what Ray's does when workers die."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from haemsa.cluster.workers.elastic.crew import Crew
from haemsa.cluster.workers.evaluator import Evaluator, Finished, InlineEvaluator
from haemsa.evo.candidate import Failure, Score
from tests.support.cluster.search_fakes import jobs
from tests.support.cluster.trainers import Make, acting, echoing, hanging, hoarding, killing, raising

Build = Callable[..., Evaluator]


@pytest.fixture(params=["inline", pytest.param("ray", marks=pytest.mark.ray)])
def build(request: pytest.FixtureRequest) -> Iterator[Build]:
    """Makes an evaluator of either kind from a trainer's maker and the workers' data; closes it after the test."""
    made: list[Evaluator] = []
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")

    def make_one(make: Make, data: Any = 7) -> Evaluator:
        if request.param == "inline":
            made.append(InlineEvaluator(make(data)))
        else:
            from haemsa.cluster.workers.ray_evaluator import RayEvaluator

            made.append(RayEvaluator.of(make, data, Crew(2)))
        return made[-1]

    yield make_one
    for evaluator in made:
        evaluator.close()


@pytest.fixture
def ray_workers(ray_cluster: None) -> Iterator[Build]:
    """Makes a Ray evaluator of some workers; closes it after the test."""
    from haemsa.cluster.workers.ray_evaluator import RayEvaluator

    made: list[Evaluator] = []

    def make_one(make: Make, data: Any, workers: int, memory: float | None = None, **limits: float) -> Evaluator:
        made.append(RayEvaluator.of(make, data, Crew(workers, memory=memory), **limits))
        return made[-1]

    yield make_one
    for evaluator in made:
        evaluator.close()


def collect_all(evaluator: Evaluator) -> list[Finished]:
    found: list[Finished] = []
    while evaluator.pending:
        found += evaluator.collect()
    return found


def outcomes(found: list[Finished]) -> dict[int, Any]:
    """Outcome by id; every id must have come back once."""
    ids = [result.id for finished in found for result in finished.results]
    assert len(set(ids)) == len(ids)
    return {result.id: result.outcome for finished in found for result in finished.results}


def test_every_candidate_comes_back_exactly_once_and_in_its_cohorts_order(build: Build) -> None:
    evaluator = build(echoing())
    every = jobs(10)
    cohorts = [every[2::-1], every[3:4], every[9:3:-1]]
    for cohort in cohorts:
        evaluator.submit(cohort)
    found = collect_all(evaluator)
    asked = [[candidate.id for candidate in cohort] for cohort in cohorts]
    assert sorted([result.id for result in finished.results] for finished in found) == sorted(asked)
    assert outcomes(found) == {i: {"mae": Score(float(i)), "data": Score(7.0)} for i in range(10)}
    assert all(finished.worker and finished.seconds >= 0 for finished in found)


def test_free_counts_cohorts_that_would_start_at_once_and_pending_those_to_collect(build: Build) -> None:
    evaluator = build(echoing())
    assert (evaluator.free, evaluator.pending) == (evaluator.workers, 0)
    every = jobs(6)
    for number in range(evaluator.workers + 1):  # one more than there are workers
        evaluator.submit(every[number : number + 1])
        assert evaluator.free == max(0, evaluator.workers - 1 - number)
    assert evaluator.pending == evaluator.workers + 1
    collect_all(evaluator)
    assert (evaluator.free, evaluator.pending) == (evaluator.workers, 0)


def test_collecting_from_nothing_gives_nothing_at_once(build: Build) -> None:
    assert build(echoing()).collect() == []


def test_a_cohort_that_raises_comes_back_as_failures_and_others_go_on(build: Build) -> None:
    evaluator = build(raising(2))
    every = jobs(6)
    for start in (0, 2, 4):
        evaluator.submit(every[start : start + 2])
    found = outcomes(collect_all(evaluator))
    failure = Failure("error", "RuntimeError: candidate 2 cannot be trained")
    assert [found[i] for i in (2, 3)] == [failure, failure]
    assert [found[i] for i in (0, 1, 4, 5)] == [{"mae": Score(1.0)}] * 4


def test_what_was_not_collected_before_closing_is_lost(build: Build) -> None:
    evaluator = build(echoing())
    for candidate in jobs(5):
        evaluator.submit([candidate])
    evaluator.close()
    assert (evaluator.pending, evaluator.collect()) == (0, [])


@pytest.mark.ray
def test_a_cohort_that_takes_too_long_is_taken_back_and_others_train_it(ray_workers: Build) -> None:
    two_hang = acting(lambda cohort, _: len(cohort) == 2 and threading.Event().wait())
    evaluator, every = ray_workers(two_hang, None, 2), jobs(3)
    assert evaluator.take_back(0.0, lambda _: True) is None  # nothing runs, and nothing is known
    evaluator.submit(every[2:])
    (first,) = collect_all(evaluator)
    evaluator.submit(every[:2])
    assert evaluator.take_back(1e9, lambda _: True) is None  # not so long yet
    assert evaluator.take_back(0.0, lambda cohort: len(cohort) == 1) is None
    back = evaluator.take_back(0.0, lambda _: True)
    assert back == every[:2] and evaluator.pending == 0
    for job in back:
        evaluator.submit([job])
    assert outcomes([first, *collect_all(evaluator)]) == {i: {"mae": Score(float(i))} for i in range(3)}


@pytest.mark.ray
def test_a_worker_that_is_killed_is_replaced_and_its_cohort_runs_again(
    ray_workers: Build, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    evaluator = ray_workers(killing(3, times=1), tmp_path, 2)
    every = jobs(8)
    with caplog.at_level(logging.WARNING, "cluster"):
        for start in range(0, 8, 2):
            evaluator.submit(every[start : start + 2])
        found = outcomes(collect_all(evaluator))
    assert found == {i: {"mae": Score(float(i))} for i in range(8)}
    assert len(list(tmp_path.iterdir())) == 1
    assert "died and is replaced" in caplog.text
    assert evaluator.free == 2


@pytest.mark.ray
def test_of_a_cohort_that_kills_two_workers_each_runs_alone_and_only_the_killer_has_failed(
    ray_workers: Build, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    evaluator = ray_workers(killing(3, times=9), tmp_path, 1)
    every = jobs(8)
    for start in range(0, 8, 4):
        evaluator.submit(every[start : start + 4])
    found = outcomes(collect_all(evaluator))
    failure = found.pop(3)
    assert (failure.kind, failure.message[:43]) == ("crash", "its worker died, as others had that trained")
    assert found == {i: {"mae": Score(float(i))} for i in (0, 1, 2, 4, 5, 6, 7)}
    assert len(list(tmp_path.iterdir())) == 3
    assert "candidates 0, 1, 2, 3 run again, each alone" in caplog.text
    assert evaluator.free == 1


@pytest.mark.ray
def test_a_candidate_that_never_ends_is_stopped_and_only_that_one_has_failed(ray_workers: Build) -> None:
    evaluator = ray_workers(hanging(1), None, 2, limit=0.5)
    every = jobs(6)
    for start in range(0, 6, 3):
        evaluator.submit(every[start : start + 3])
    found = outcomes(collect_all(evaluator))
    assert found.pop(1) == Failure("timeout", "it took more than 0.5 seconds")
    assert found == {i: {"mae": Score(float(i))} for i in (0, 2, 3, 4, 5)}
    assert (evaluator.free, evaluator.workers) == (2, 2)


@pytest.mark.ray
@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")
def test_a_worker_takes_no_more_memory_than_it_may(ray_workers: Build) -> None:
    evaluator = ray_workers(hoarding(1), None, 1, memory=2.0**29)
    for one in jobs(3):
        evaluator.submit([one])
    found = outcomes(collect_all(evaluator))
    assert found == {0: {"mae": Score(0.0)}, 1: Failure("memory", "no more"), 2: {"mae": Score(2.0)}}


@pytest.mark.ray
def test_workers_that_cannot_start_end_the_search_with_a_sentence(
    ray_workers: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haemsa.cluster.workers.worker_pool.FOLLOW", 0.1)

    def unable(_: Any) -> Any:
        raise ModuleNotFoundError("No module named 'torch'")

    evaluator = ray_workers(unable, None, 2)
    evaluator.submit(jobs(1))
    with pytest.raises(ValueError, match="3 workers in a row could not start, the last: "):
        collect_all(evaluator)


@pytest.mark.ray
def test_work_says_that_it_waits_for_a_core_and_when_it_goes_on(
    ray_workers: Build, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import ray

    monkeypatch.setattr("haemsa.cluster.workers.elastic.start_watch.PATIENCE", 0.0)
    other = ray.remote(num_cpus=2)(type("Other", (), {"here": lambda self: True})).remote()
    ray.get(other.here.remote())
    evaluator = ray_workers(echoing(), 7, 1)
    evaluator.submit(jobs(1))
    with caplog.at_level(logging.WARNING):
        while not caplog.messages:
            assert evaluator.collect(timeout=0.1) == []
        ray.kill(other)
        assert outcomes(collect_all(evaluator)) == {0: {"mae": Score(0.0), "data": Score(7.0)}}
    assert caplog.messages == [
        "the work waits for a core: 0 of 2 cores are free", "the work goes on with 1 of 1 workers"
    ]  # fmt: skip

"""Every evaluator measures latency and calls functions of one's own, wherever its workers are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from haemsa.cluster.workers.cohort_trainer import CohortTrainer, WorkerData
from haemsa.cluster.workers.evaluator import Evaluator, InlineEvaluator
from haemsa.cluster.workers.job import Job, Result
from haemsa.evo.candidate import Candidate, Failure, Score
from haemsa.evo.rungs import Fidelity
from haemsa.model.bounds import within
from tests.support.cluster.tiny import problem
from tests.support.own_modules import forget, write_module

Build = Callable[[WorkerData], Evaluator]


@pytest.fixture(params=["inline", pytest.param("ray", marks=pytest.mark.ray)])
def build(request: pytest.FixtureRequest) -> Iterator[Build]:
    """Makes an evaluator of either kind from the workers' data; closes it after the test."""
    made: list[Evaluator] = []
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")

    def make_one(data: WorkerData) -> Evaluator:
        if request.param == "inline":
            made.append(InlineEvaluator(CohortTrainer(data)))
        else:
            from haemsa.cluster.workers.elastic.crew import Crew
            from haemsa.cluster.workers.ray_evaluator import RayEvaluator

            made.append(RayEvaluator.of(CohortTrainer, data, Crew(1)))
        return made[-1]

    yield make_one
    for evaluator in made:
        evaluator.close()


def results(evaluator: Evaluator, jobs: list[Job]) -> list[Result]:
    evaluator.submit(jobs)
    found: list[Result] = []
    while evaluator.pending:
        found += [result for finished in evaluator.collect() for result in finished.results]
    return found


def jobs_of(found: Any, count: int) -> list[Job]:
    rng = np.random.default_rng(0)
    fidelity = Fidelity(None, len(found.folds))
    return [Job(Candidate(number, found.space.sample(rng)), fidelity, outputs=True) for number in range(count)]


def scores(result: Result) -> dict[str, Score]:
    assert not isinstance(result.outcome, Failure), result.outcome
    return dict(result.outcome)


def test_latency_has_a_spread_and_a_function_of_a_module_that_only_the_driver_has_scores_held_out_samples(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write_module(tmp_path, monkeypatch)
    asked = ["sentiment/mae", f"{name}:cost", f"max:{name}:width", "latency_ms"]
    found, data = problem(objectives=asked, validation="folds:3")
    evaluator = build(data)
    forget(tmp_path, name)
    for job, result in zip(jobs_of(found, 2), results(evaluator, jobs_of(found, 2)), strict=True):
        given = scores(result)
        assert given["latency_ms"].mean > 0 and given["latency_ms"].error > 0
        assert given[f"{name}:cost"].replicates == 3
        np.testing.assert_allclose(given[f"{name}:cost"].values, given["sentiment/mae"].values, rtol=1e-5)
        assert given[f"{name}:width"].values == (float(job.genome.network.width),) * 3
        task, held_out = found.pool.tasks["sentiment"], found.folds.held_out[0]
        values = within(result.outputs[0]["sentiment"][held_out, 0], task.bounds)
        assert np.isclose(given[f"{name}:cost"].values[0], np.nanmean(np.abs(values - task.targets[held_out])))


def test_latency_is_measured_once_for_all_rungs() -> None:
    found, data = problem(objectives=["sentiment/mae", "latency_ms"])
    (job,) = jobs_of(found, 1)
    (again,) = CohortTrainer(data)([replace(job, measured={"latency_ms": Score(123.0, 4.0)})])
    assert scores(again)["latency_ms"] == Score(123.0, 4.0)


def test_a_genome_for_which_the_function_raises_fails_with_its_message_and_others_do_not(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "def cost(predictions, labels, genome):\n    return 1 / (genome.network.width - 8)\n"
    name = write_module(tmp_path, monkeypatch, code)
    found, data = problem(objectives=["sentiment/mae", f"{name}:cost"])
    jobs = jobs_of(found, 6)
    assert {job.genome.network.width for job in jobs} == {8, 16}
    for job, result in zip(jobs, results(build(data), jobs), strict=True):
        if job.genome.network.width == 8:
            message = f"objective {name}:cost: ZeroDivisionError: division by zero"
            assert (result.outcome, result.failed_objective) == (Failure("error", message), f"{name}:cost")
        else:
            assert scores(result)[f"{name}:cost"].mean == 1 / 8

"""One job on several workers: its parts, and that together they give what one worker would have given."""

from __future__ import annotations

import dataclasses
import os
import random
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haemsa.cluster.search.work.split_jobs import SplitJobs, merged
from haemsa.cluster.workers.cohort_trainer import CohortTrainer
from haemsa.cluster.workers.evaluator import Finished, JobBatch, TrainCohort
from haemsa.cluster.workers.job import Job, Result
from haemsa.evo.candidate import Candidate, Failure, Score
from haemsa.evo.rungs import Fidelity
from tests.support.cluster.search_fakes import candidates
from tests.support.cluster.tiny import problem
from tests.support.cluster.trainers import instant


def job(replicates: int, reached: Fidelity | None = None, **known: tuple[float, ...]) -> Job:
    return Job(candidates(1)[0], Fidelity(None, replicates), reached, known)


def ended(result: Result, seconds: float = 1.0) -> Finished:
    return Finished([result], "a worker", seconds)


def parts_of(cohorts: Sequence[Sequence[Job]]) -> list[Any]:
    return [item.part for cohort in cohorts for item in cohort]


def scored(part: Job, *values: float) -> Result:
    return Result(part.id, {"mae": Score.of(values), "params": Score(70.0)}, replicates=part.part or ())


def test_five_folds_over_three_workers_become_one_result_when_the_last_part_ends() -> None:
    split, whole = SplitJobs(), job(5)
    first, second, third = (part for (part,) in split.cohorts([whole], 2))
    assert [list(part.waiting()) for part in (first, second, third)] == [[0, 1], [2, 3], [4]]
    assert split.gathered([ended(scored(third, 5.0), 2.0), ended(scored(first, 1.0, 2.0), 4.0)]) == []
    (found,) = split.gathered([ended(scored(second, 3.0, 4.0), 3.0)])
    (result,) = found.results
    assert result.outcome == {"mae": Score.of([1.0, 2.0, 3.0, 4.0, 5.0]), "params": Score(70.0)}
    assert (found.seconds, result.replicates) == (9.0, ())


def test_only_new_folds_are_split_and_known_ones_stay_where_they_were() -> None:
    split, whole = SplitJobs(), job(4, Fidelity(None, 1), mae=(0.5,))
    cohorts = split.cohorts([whole], 2)
    assert parts_of(cohorts) == [(1, 2), (3,)]
    (a,), (b,) = cohorts
    (found,) = split.gathered([ended(scored(b, 3.0)), ended(scored(a, 1.0, 2.0))])
    outcome = found.results[0].outcome
    assert isinstance(outcome, dict) and outcome["mae"].values == (0.5, 1.0, 2.0, 3.0)


def test_a_part_can_be_split_again() -> None:
    split = SplitJobs()
    (first,), (second,) = split.cohorts([job(3)], 2)
    parts = split.cohorts([first], 1)
    assert parts_of(parts) == [(0,), (1,)]
    (a,), (b,) = parts
    assert split.gathered([ended(scored(b, 2.0)), ended(scored(second, 3.0))]) == []
    (found,) = split.gathered([ended(scored(a, 1.0))])
    outcome = found.results[0].outcome
    assert isinstance(outcome, dict) and outcome["mae"].values == (1.0, 2.0, 3.0)


@pytest.mark.parametrize("cohort", [[job(5), job(5)], [job(1)], [job(2, Fidelity(None, 1), mae=(0.5,))], [job(3)]])
def test_cohorts_of_several_jobs_and_jobs_that_fit_stay_whole(cohort: list[Job]) -> None:
    split = SplitJobs()
    assert parts_of(split.cohorts(cohort, 3)) == [None] * len(cohort)
    results = [Result(item.id, {}) for item in cohort]
    assert split.gathered([Finished(results, "a worker", 1.0)]) == [Finished(results, "a worker", 1.0)]


def test_a_job_of_which_a_part_fails_has_failed_but_only_after_all_its_parts() -> None:
    split, failure = SplitJobs(), Failure("crash", "its worker died")
    (a,), (b,), _ = split.cohorts([job(3)], 1)
    assert split.gathered([ended(Result(a.id, failure)), ended(scored(b, 1.0))]) == []
    (found,) = split.gathered([ended(Result(a.id, Failure("nan", "later")))])
    assert found.results[0].outcome == failure


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_parts_of_any_size_in_any_order_give_what_the_whole_gives(data: st.DataObject) -> None:
    folds, most = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    known = data.draw(st.integers(0, folds - 1))
    (candidate,) = candidates(1)
    whole = Job(candidate, Fidelity(None, folds), Fidelity(None, known) if known else None)
    (expected,) = instant([whole])
    assert isinstance(expected.outcome, dict)
    had = {name: score.values[:known] for name, score in expected.outcome.items() if score.values}
    whole = dataclasses.replace(whole, known=had)
    split = SplitJobs()
    cohorts = split.cohorts([whole], most)
    assert max(len(part.waiting()) for (part,) in cohorts) <= most
    results = [ended(instant(cohort)[0]) for cohort in cohorts]
    random.Random(data.draw(st.integers(0, 99))).shuffle(results)
    (found,) = split.gathered(results)
    assert found.results[0].outcome == expected.outcome
    assert set(found.results[0].states) == set(expected.states) == set(range(known, folds))


@pytest.mark.parametrize("validation", ["folds:3", "holdout"])
def test_real_training_in_parts_gives_the_scores_weights_and_predictions_of_training_together(validation: str) -> None:
    import numpy as np

    found, data = problem(validation=validation)
    trainer = CohortTrainer(data)
    genome = found.space.sample(np.random.default_rng(0))
    below = Job(Candidate(3, genome), Fidelity(2, 1))
    (start,) = trainer([below])
    assert isinstance(start.outcome, dict)
    known = {name: score.values for name, score in start.outcome.items() if score.values}
    whole = dataclasses.replace(
        below, fidelity=Fidelity(None, 4), reached=below.fidelity, known=known, states=start.states, outputs=True
    )
    (together,) = trainer([whole])
    split = SplitJobs()
    results = [result for cohort in split.cohorts([whole], 2) for result in trainer(cohort)]
    apart = merged(whole, results[::-1])
    assert len(results) == 2 and isinstance(apart.outcome, dict) and isinstance(together.outcome, dict)
    assert list(apart.outcome) == list(together.outcome)
    for name, score in together.outcome.items():
        assert apart.outcome[name].values == pytest.approx(score.values, abs=1e-5, nan_ok=True), name
    assert list(apart.states) == list(together.states)
    for replicate, ours, theirs in zip(whole.waiting(), apart.outputs, together.outputs, strict=True):
        held_out = found.folds.held_out[replicate % len(found.folds)]
        assert all(np.allclose(ours[name][held_out], theirs[name][held_out], atol=1e-4) for name in theirs)


@pytest.mark.ray
def test_a_worker_that_dies_with_one_of_three_parts_costs_nothing_but_that_part(
    ray_cluster: None, tmp_path: Path
) -> None:
    from haemsa.cluster.workers.elastic.crew import Crew
    from haemsa.cluster.workers.ray_evaluator import RayEvaluator

    def make(deaths: Path) -> TrainCohort:
        def train(cohort: JobBatch) -> list[Result]:
            (part,) = cohort
            if 2 in part.replicates and not list(deaths.iterdir()):
                (deaths / "one").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            mae = Score.of([float(replicate) for replicate in part.replicates])
            return [Result(part.id, {"mae": mae}, replicates=part.part or ())]

        return train

    split, evaluator, found = SplitJobs(), RayEvaluator.of(make, tmp_path, Crew(3)), list[Finished]()
    try:
        for cohort in split.cohorts([job(5)], 2):
            evaluator.submit(cohort)
        while evaluator.pending:
            found += split.gathered(evaluator.collect())
    finally:
        evaluator.close()
    ((result,),) = [finished.results for finished in found]
    assert result.outcome == {"mae": Score.of([0.0, 1.0, 2.0, 3.0, 4.0])}
    assert [path.name for path in tmp_path.iterdir()] == ["one"]

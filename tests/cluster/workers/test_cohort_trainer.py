"""A real cohort on small data: scores for every metric, and nothing of the test split anywhere near a worker."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from haemsa.cluster.search.objectives import metric_names, resolve_objectives
from haemsa.cluster.search.problem import Problem
from haemsa.cluster.workers.cohort_trainer import CohortTrainer, row_seed
from haemsa.cluster.workers.job import Job
from haemsa.evo.candidate import Candidate, Failure, Score
from haemsa.evo.rungs import Fidelity
from haemsa.model.cost import cost
from haemsa.model.data.dataset import Dataset
from haemsa.model.metrics import all_metrics
from haemsa.model.seeds import SeedPurpose
from tests.support.cluster.tiny import data, problem


def cohort(found: Problem, count: int, seed: int = 0) -> list[Job]:
    rng, fidelity = np.random.default_rng(seed), Fidelity(None, len(found.folds))
    return [Job(Candidate(number, found.space.sample(rng)), fidelity) for number in range(count)]


def scores(outcome: object) -> dict[str, Score]:
    assert isinstance(outcome, dict), outcome
    return outcome


def test_every_candidate_gets_every_metric_and_its_costs_in_order() -> None:
    found, given = problem()
    candidates = cohort(found, 4)
    results = CohortTrainer(given)(candidates)
    assert [result.id for result in results] == [0, 1, 2, 3]
    for candidate, result in zip(candidates, results, strict=True):
        costs = cost(candidate.genome.network, found.schema)
        assert set(scores(result.outcome)) == {*metric_names(found.pool.tasks), "params", "flops"}
        assert {name: scores(result.outcome)[name] for name in costs} == {k: Score(v) for k, v in costs.items()}
        assert list(result.states) == list(range(len(found.folds)))
        assert result.seconds > 0


@pytest.mark.parametrize("validation", ["holdout", "folds:3"])
def test_scores_are_means_over_folds_with_their_standard_errors(validation: str) -> None:
    from haemsa.model.network.cohort import CohortRow
    from haemsa.model.training.pool import Pool
    from haemsa.model.training.train import TrainedRow, TrainingSettings, train

    found, given = problem(validation=validation)
    (candidate,) = cohort(found, 1)
    (result,) = CohortTrainer(given)([candidate])
    rows = [
        CohortRow(candidate.genome, row_seed(given.seed, SeedPurpose.SEARCH, 0, fold), fold)
        for fold in range(len(found.folds))
    ]
    trained = train(rows, Pool.of(found.pool), found.folds, TrainingSettings(given.batch_size, order_seed=given.seed))
    values = []
    for fold, row in enumerate(trained):
        assert isinstance(row, TrainedRow)
        held_out = np.flatnonzero(found.folds.held_out[fold])
        tasks = {name: task.take(held_out) for name, task in found.pool.tasks.items()}
        values.append(all_metrics(tasks, {name: out[held_out] for name, out in row.outputs.items()})["sentiment/mae"])
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    score = scores(result.outcome)["sentiment/mae"]
    assert score.values == pytest.approx(values, rel=1e-6)
    assert (score.mean, score.error) == pytest.approx((np.mean(values), error), rel=1e-6)
    assert score.replicates == len(found.folds)


def test_a_candidate_scores_the_same_whoever_is_trained_with_it() -> None:
    found, given = problem(validation="folds:2")
    candidates, trainer = cohort(found, 5), CohortTrainer(given)
    together = {result.id: scores(result.outcome)["sentiment/mae"].mean for result in trainer(candidates)}
    for result in trainer(candidates[3:4]) + trainer(candidates[::-2]):
        assert scores(result.outcome)["sentiment/mae"].mean == pytest.approx(together[result.id], abs=1e-5)


def test_a_worker_gets_the_pool_and_nothing_of_the_test_split() -> None:
    found, given = problem(validation="folds:2")
    whole = data()
    pool = given.pool
    assert set(pool.splits) == {"train", "valid"}
    assert list(pool.ids) == [whole.ids[i] for split in ("train", "valid") for i in whole.splits[split]]
    assert not set(pool.ids) & {whole.ids[i] for i in whole.splits["test"]}
    assert found.folds.held_out.shape == (2, 160)
    assert {field.name for field in dataclasses.fields(given)} == {
        "pool", "folds", "seed", "batch_size", "device", "missing", "latency", "own",
    }  # fmt: skip


def test_what_the_test_split_holds_changes_nothing_that_a_search_sees() -> None:
    whole, rng = data(), np.random.default_rng(0)
    test = whole.splits["test"]
    modalities = {}
    for name, item in whole.modalities.items():
        features = item.features.copy()
        features[test] *= rng.normal(size=features[test].shape).astype(np.float32)
        modalities[name] = dataclasses.replace(item, features=features)
    tasks = {}
    for name, task in whole.tasks.items():
        targets = task.targets.copy()
        targets[test] = rng.permutation(targets[test])
        tasks[name] = dataclasses.replace(task, targets=targets)
    scrambled = dataclasses.replace(whole, modalities=modalities, tasks=tasks)
    without = whole.pool()
    results = [outcomes_on(dataset) for dataset in (whole, scrambled, without)]
    assert results[0] == results[1] == results[2]


def outcomes_on(dataset: Dataset) -> list[Any]:
    found, given = problem(dataset, validation="folds:2")
    return [result.outcome for result in CohortTrainer(given)(cohort(found, 3))]


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (RuntimeError("boom\nand more"), Failure("error", "RuntimeError: boom")),
        (RuntimeError("CUDA out of memory. Tried"), Failure("memory", "RuntimeError: CUDA out of memory. Tried")),
        (MemoryError(), Failure("memory", "MemoryError")),
    ],
)
def test_an_error_that_every_training_meets_is_a_failure_of_all(
    monkeypatch: pytest.MonkeyPatch, error: Exception, failure: Failure
) -> None:
    import haemsa.model.training.train

    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(haemsa.model.training.train, "train", broken)
    found, given = problem()
    assert [result.outcome for result in CohortTrainer(given)(cohort(found, 2))] == [failure, failure]


@pytest.mark.parametrize("error", [RuntimeError("boom"), MemoryError()])
def test_a_genome_that_cannot_be_trained_or_takes_all_memory_fails_alone(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    import haemsa.model.training.train
    from haemsa.model.training.train import train

    found, given = problem()
    candidates = cohort(found, 5)
    worst, sizes = candidates[2].genome, []

    def broken(rows: Any, *others: Any, **more: Any) -> Any:
        sizes.append(len({row.genome.key for row in rows}))
        if any(row.genome == worst for row in rows):
            raise error
        return train(rows, *others, **more)

    monkeypatch.setattr(haemsa.model.training.train, "train", broken)
    outcomes = [result.outcome for result in CohortTrainer(given)(candidates)]
    assert [isinstance(outcome, Failure) for outcome in outcomes] == [False, False, True, False, False]
    assert sizes == [5, 2, 3, 1, 2]


def test_a_row_that_is_not_finite_is_a_failure_of_its_candidate_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import haemsa.model.training.train
    from haemsa.model.training.train import FailedRow, train

    def half_failed(rows: Any, *others: Any, **more: Any) -> Any:
        found = train(rows, *others, **more)
        return [FailedRow(found[0].row, 2), *found[1:]]

    monkeypatch.setattr(haemsa.model.training.train, "train", half_failed)
    found, given = problem(validation="folds:2")
    first, second = CohortTrainer(given)(cohort(found, 2))
    assert first.outcome == Failure("nan", "the loss or the weights were not finite after 2 epochs (fold 0)")
    assert "sentiment/mae" in scores(second.outcome)


def test_a_gpu_that_is_not_there_is_told_before_anything_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    _, worker_data = problem(gpus_per_worker=0.5)
    with pytest.raises(
        ValueError, match=r"finds no GPU on .* \(CUDA_VISIBLE_DEVICES: 1\), expected one: see nvidia-smi"
    ):
        CohortTrainer(worker_data)


def test_seeds_differ_by_search_purpose_candidate_and_replicate_and_by_nothing_else() -> None:
    search, confirmation = SeedPurpose.SEARCH, SeedPurpose.CONFIRMATION
    keys = ((0, search, 0, 0), (1, search, 0, 0), (0, confirmation, 0, 0), (0, search, 1, 0), (0, search, 0, 1))
    seeds = [row_seed(*key) for key in keys]
    assert len(set(seeds)) == 5
    assert row_seed(0, search, 0, 1) == seeds[4]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], {"sentiment/mae": "min", "params": "min"}),
        (["mae", "flops"], {"sentiment/mae": "min", "flops": "min"}),
        (["emotion/wf1", "corr"], {"emotion/wf1": "max", "sentiment/corr": "max"}),
    ],
)
def test_objectives_are_found_by_full_or_short_name(names: list[str], found: dict[str, str]) -> None:
    assert resolve_objectives(names, data().tasks) == found


def test_an_objective_that_does_not_exist_is_told_those_that_do() -> None:
    with pytest.raises(ValueError, match=r"objective 'maee' does not exist, expected one of sentiment/mae, .*params"):
        resolve_objectives(["maee"], data().tasks)


def test_an_objective_that_several_tasks_have_is_not_guessed() -> None:
    tasks = {"one": data().tasks["emotion"], "two": data().tasks["emotion"]}
    with pytest.raises(ValueError, match="objective 'wf1' could be any of one/wf1, two/wf1"):
        resolve_objectives(["wf1"], tasks)


def test_an_objective_may_count_missing_modalities() -> None:
    tasks = data().tasks
    assert resolve_objectives(["missing_mae", "params"], tasks) == {"sentiment/missing_mae": "min", "params": "min"}
    assert resolve_objectives(["emotion/missing_wf1"], tasks) == {"emotion/missing_wf1": "max"}
    with pytest.raises(ValueError, match=r"objective 'missing_params' does not exist, .*or missing_ before a metric"):
        resolve_objectives(["missing_params"], tasks)


def test_scores_with_modalities_missing_are_means_over_every_subset() -> None:
    from haemsa.model.network.cohort import CohortRow
    from haemsa.model.training.pool import Pool
    from haemsa.model.training.train import TrainedRow, TrainingSettings, train

    found, given = problem(objectives=["missing_mae", "params"], validation="holdout:1")
    (job,) = cohort(found, 1)
    (result,) = CohortTrainer(given)([job])
    rows = [CohortRow(job.genome, row_seed(given.seed, SeedPurpose.SEARCH, job.id, 0), 0)]
    settings = TrainingSettings(given.batch_size, order_seed=given.seed, missing=True)
    (row,) = train(rows, Pool.of(found.pool), found.folds, settings)
    assert isinstance(row, TrainedRow)
    held_out = np.flatnonzero(found.folds.held_out[0])
    labels = found.pool.tasks["sentiment"].targets[held_out]
    errors = [np.abs(shown["sentiment"][held_out, 0] - labels).mean() for shown in row.shown.values()]
    assert len(errors) == 7
    assert scores(result.outcome)["sentiment/missing_mae"].mean == pytest.approx(np.mean(errors))
    assert np.array_equal(row.shown[tuple(found.pool.modalities)]["sentiment"], row.outputs["sentiment"])


def test_without_such_an_objective_nothing_is_hidden() -> None:
    found, given = problem()
    (result,) = CohortTrainer(given)(cohort(found, 1))
    assert not [name for name in scores(result.outcome) if "missing" in name]

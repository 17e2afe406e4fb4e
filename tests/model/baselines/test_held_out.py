"""Linear models of streams on samples that their folds hold out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from haemsa.model.baselines import held_out as module
from haemsa.model.baselines.held_out import (
    can_be_scored,
    constant_held_out,
    group_folds,
    linear_held_out,
    standard_means,
)
from haemsa.model.data.task import Task
from tests.model.baselines.test_plain import linear_data

GROUPS = np.arange(120) // 4
FOLDS = group_folds(GROUPS)


def features() -> dict[str, np.ndarray]:
    """One stream from which the tasks of `linear_data` follow, and one that is noise."""
    text = linear_data().modalities["text"].moments[0]
    noise = np.random.default_rng(5).normal(size=text.shape).astype(np.float32)
    everywhere = np.ones(120, dtype=bool)
    return {"text": standard_means(text, everywhere), "noise": standard_means(noise, everywhere)}


def test_folds_hold_out_each_sample_once_and_keep_groups_together() -> None:
    assert FOLDS.shape == (5, 120)
    assert (FOLDS.sum(axis=0) == 1).all()
    assert not any(set(GROUPS[fold]) & set(GROUPS[~fold]) for fold in FOLDS)
    assert len(group_folds(np.zeros(9, np.int64))) == 0


def test_means_are_standardised_over_the_samples_that_have_the_stream() -> None:
    means = np.array([[1, 5], [3, 5], [0, 0], [1, 5], [3, 5]], dtype=np.float32)
    found = standard_means(means, np.array([True, True, False, True, True]))
    assert found.tolist() == [[-1, 0], [1, 0], [0, 0], [-1, 0], [1, 0]]
    assert not standard_means(means, np.zeros(5, dtype=bool)).any()


def test_a_feature_in_a_tiny_unit_counts_as_much_as_any_other() -> None:
    means = np.array([[1.0], [3.0]], dtype=np.float32)
    everywhere = np.ones(2, dtype=bool)
    np.testing.assert_allclose(standard_means(means * np.float32(1e-9), everywhere), [[-1], [1]], rtol=1e-5)


@pytest.mark.parametrize("many", [2000, 50])
def test_a_stream_that_tells_the_labels_is_far_better_than_one_that_does_not(
    many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MANY", many)  # with more samples the first fold chooses the penalty
    tasks = linear_data().tasks
    text, noise = (
        {name: linear_held_out(features(), [stream], task, FOLDS) for name, task in tasks.items()}
        for stream in ("text", "noise")
    )
    assert np.abs(text["value"][:, 0] - tasks["value"].targets).mean() < 0.2
    assert np.abs(noise["value"][:, 0] - tasks["value"].targets).mean() > 1
    for name, right in (("sign", 0.9), ("columns", 0.9)):
        truth = tasks[name].targets
        guesses = [out.argmax(1) if name == "sign" else out > 0 for out in (text[name], noise[name])]
        assert (guesses[0] == truth).mean() > right
        assert (guesses[1] == truth).mean() < 0.7


def test_no_model_learns_from_the_labels_that_its_fold_holds_out() -> None:
    task, x = linear_data().tasks["value"], features()["text"]
    targets = task.targets.copy()
    targets[FOLDS[0]] = 50
    before, after = (module._ridge(x, each, FOLDS) for each in (task, replace(task, targets=targets)))
    np.testing.assert_array_equal(before[:, FOLDS[0]], after[:, FOLDS[0]])
    assert np.abs(before - after)[:, FOLDS[1]].max() > 1


def test_the_penalty_of_a_fold_is_the_one_that_is_best_on_the_others() -> None:
    task = Task("regression", np.zeros(4, np.float32))
    held_out = np.array([[True, True, False, False], [False, False, True, True]])
    strong = np.array([1, 1, 3, 3], np.float32)[:, None]  # errs by 1 in the first fold, by 3 in the second
    weak = np.array([2, 2, 2, 2], np.float32)[:, None]
    found = module._best(np.stack([strong, weak]), task, held_out)
    assert found[:, 0].tolist() == [2, 2, 3, 3]


def test_missing_labels_are_left_out_and_values_keep_their_bounds() -> None:
    labels = np.clip(linear_data().tasks["value"].targets, -1, 1)
    labels[::7] = np.nan
    found = linear_held_out(features(), ["text", "noise"], Task("regression", labels, bounds=(-1.0, 1.0)), FOLDS)
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 1


def test_values_may_lie_far_from_0() -> None:
    value = linear_data().tasks["value"].targets
    near, far = (
        linear_held_out(features(), ["text"], Task("regression", value + np.float32(away)), FOLDS)
        for away in (0, 10_000)
    )
    np.testing.assert_allclose(far - 10_000, near, atol=0.01)


def test_a_constant_is_made_of_the_other_folds() -> None:
    task = Task("regression", np.array([0, 0, 4, 4], np.float32))
    held_out = np.array([[True, True, False, False], [False, False, True, True]])
    assert constant_held_out(task, held_out)[:, 0].tolist() == [4, 4, 0, 0]


def test_a_task_with_too_few_labels_or_groups_cannot_be_scored() -> None:
    task = linear_data().tasks["value"]
    few = np.full(120, np.nan, np.float32)
    few[:9] = 1
    one_fold = np.full(120, np.nan, np.float32)
    one_fold[FOLDS[0]] = 1
    assert can_be_scored(task, FOLDS)
    assert not can_be_scored(task, group_folds(np.zeros(120, np.int64)))
    assert not can_be_scored(Task("regression", few), FOLDS)
    assert not can_be_scored(Task("regression", one_fold), FOLDS)

"""A constant and a linear model, which a network must beat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from haemsa.model.baselines import plain
from haemsa.model.baselines.classical import Classical, outputs, summaries
from haemsa.model.baselines.plain import constant_outputs, linear_outputs
from haemsa.model.data.dataset import Dataset, Modality, Task

TRAIN, TEST = np.arange(80), np.arange(80, 120)


def linear_data(noise: float = 0.1) -> Dataset:
    """A label that is linear in the features, a class that is its sign, and labels that say whether columns are > 0."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 1, 3)).astype(np.float32)
    value = (x[:, 0] @ np.array([1.0, -2.0, 0.5]) + noise * rng.normal(size=120)).astype(np.float32)
    return Dataset(
        name="linear",
        modalities={"text": Modality(x, np.ones(120, np.int64))},
        tasks={
            "value": Task("regression", value),
            "sign": Task("classes", (value > 0).astype(np.int64), ("minus", "plus")),
            "columns": Task("multilabel", (x[:, 0, :2] > 0).astype(np.float32), ("a", "b")),
        },
        splits={"train": TRAIN, "test": TEST},
        ids=tuple(map(str, range(120))),
        groups=np.arange(120),
    )


def test_the_constant_is_the_median_the_most_common_class_and_the_common_labels() -> None:
    value = Task("regression", np.array([1, 2, 9, np.nan, 100], np.float32))
    assert constant_outputs(value, np.arange(4), 2).tolist() == [[2.0], [2.0]]
    mood = Task("classes", np.array([0, 2, 2, -1, 1]), ("a", "b", "c"))
    assert constant_outputs(mood, np.arange(4), 1).argmax() == 2
    traits = Task("multilabel", np.array([[1, 0, np.nan], [1, 0, 1], [0, 1, 1]], np.float32), ("a", "b", "c"))
    assert (constant_outputs(traits, np.arange(3), 1) > 0).tolist() == [[True, False, True]]


def test_a_linear_model_finds_what_is_linear_in_every_kind_of_task() -> None:
    data = linear_data()
    found = linear_outputs(data, TRAIN, TEST, seed=0)
    assert {name: len(answers) for name, answers in found.items()} == {"value": 40, "sign": 40, "columns": 40}
    assert np.abs(found["value"][:, 0] - data.tasks["value"].targets[TEST]).mean() < 0.2
    assert (found["sign"].argmax(1) == data.tasks["sign"].targets[TEST]).mean() > 0.9
    assert ((found["columns"] > 0) == data.tasks["columns"].targets[TEST]).mean() > 0.9


def test_labels_of_the_samples_that_are_predicted_change_nothing() -> None:
    data = linear_data()
    targets = data.tasks["value"].targets.copy()
    targets[TEST] = 50
    other = replace(data, tasks={**data.tasks, "value": Task("regression", targets)})
    before, after = (linear_outputs(each, TRAIN, TEST, seed=0)["value"] for each in (data, other))
    assert np.array_equal(before, after)


def test_the_penalty_is_strong_where_features_say_nothing() -> None:
    data = linear_data(noise=100.0)
    found = linear_outputs(data, TRAIN, TEST, seed=0)["value"]
    loose = outputs(Classical("ridge", ("text",), {"alpha": 1.0}), summaries(data), data.tasks["value"], TRAIN)[TEST]
    assert np.ptp(found) < 0.5 * np.ptp(loose)


def test_samples_that_were_trained_on_can_be_predicted_too() -> None:
    found = linear_outputs(linear_data(), TRAIN, np.arange(70, 90), seed=0)
    assert len(found["value"]) == 20


def test_of_very_many_samples_some_are_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "MOST", 20)
    seen: list[int] = []
    fit = plain.outputs

    def counted(model: Classical, features: object, task: Task, trained: np.ndarray) -> object:
        seen.append(len(trained))
        return fit(model, features, task, trained)  # type: ignore[arg-type]

    monkeypatch.setattr(plain, "outputs", counted)
    linear_outputs(linear_data(), TRAIN, TEST, seed=0)
    assert max(seen) == 20


def test_one_group_is_enough() -> None:
    data = replace(linear_data(), groups=np.zeros(120, np.int64))
    assert len(linear_outputs(data, TRAIN, TEST, seed=0)["value"]) == 40

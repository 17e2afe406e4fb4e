"""From predictions to a table of figures."""

from __future__ import annotations

import numpy as np
import pytest

from cluster.train import member_metrics, summarise
from model.data.dataset import Dataset, Modality, Task


def four_samples() -> Dataset:
    traits = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.float32)
    return Dataset(
        name="four",
        modalities={"text": Modality(np.ones((4, 1, 2), np.float32), np.ones(4, np.int64))},
        tasks={"traits": Task("multilabel", traits, ("calm", "loud")), "score": Task("regression", traits[:, 0])},
        splits={"train": np.arange(2), "valid": np.arange(2, 4)},
        ids=tuple("abcd"),
        groups=np.arange(4),
    )


def test_a_label_is_given_where_its_probability_is_above_one_half() -> None:
    shares = np.array([[0.9, 0.1], [0.2, 0.6], [0.7, 0.4], [0.3, 0.3]], np.float32)  # one of eight is wrong
    assert member_metrics(four_samples(), {"traits": shares})["accuracy"] == 7 / 8


def test_tasks_that_a_model_does_not_predict_are_left_out() -> None:
    found = member_metrics(four_samples(), {"score": np.full((4, 1), 0.25, np.float32)})
    assert found["mae"] == 0.5
    assert set(found) == {"mae", "corr", "ccc"}


def test_figures_are_mean_deviation_and_values_over_networks() -> None:
    assert summarise([{"mae": 1.0}, {"mae": 2.0}]) == {
        "mae": {"mean": 1.5, "std": pytest.approx(0.5**0.5), "values": [1.0, 2.0]}
    }
    assert summarise([{"mae": 1.0}]) == {"mae": {"mean": 1.0, "std": 0.0, "values": [1.0]}}

"""Plain models on the folds that score networks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from haemsa.model.baselines.over_folds import constant_score, linear_score
from haemsa.model.data.dataset import Task
from tests.model.baselines.test_plain import linear_data

HALVES = np.arange(120) % 2 == np.array([[0], [1]])


def test_a_constant_is_that_of_the_samples_that_a_fold_does_not_hold_out() -> None:
    value = np.concatenate([np.zeros(60), np.ones(60)]).astype(np.float32)
    data = replace(linear_data(), tasks={"value": Task("regression", value)})
    held_out = value == np.array([[0], [1]])
    assert constant_score(data, held_out, "mae") == 1.0
    assert constant_score(data, held_out[[0, 0, 1]], "mae") == 1.0  # equal folds count once
    assert constant_score(data, HALVES, "mae") == 0.5


def test_a_linear_model_is_fitted_for_one_task_of_several() -> None:
    data = linear_data()
    found = linear_score(data, HALVES, "value/mae", 0)
    assert found is not None
    assert found < 0.2 < (constant_score(data, HALVES, "value/mae") or 0)
    assert linear_score(data.with_tasks(["value"]), HALVES, "mae", 0) == pytest.approx(found)


@pytest.mark.parametrize("metric", ["params", "value/accuracy", "mine:cost", "other/mae"])
def test_a_metric_that_no_task_has_is_unknown(metric: str) -> None:
    assert constant_score(linear_data(), HALVES, metric) is linear_score(linear_data(), HALVES, metric, 0) is None


def test_the_samples_of_all_folds_can_be_scored_together() -> None:
    value = np.concatenate([np.zeros(90), np.ones(30)]).astype(np.float32)
    data = replace(linear_data(), tasks={"value": Task("regression", value)})
    first = np.arange(120) < 15
    held_out = np.stack([first, ~first])
    assert constant_score(data, held_out, "mae") == pytest.approx((0 + 30 / 105) / 2)
    assert constant_score(data, held_out, "mae", together=True) == pytest.approx(30 / 120)

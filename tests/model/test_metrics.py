import math

import numpy as np
import pytest
from sklearn import metrics as sk

from haemsa.model.data.task import Task
from haemsa.model.metrics import (
    DIRECTIONS,
    all_metrics,
    ccc,
    class_metrics,
    multilabel_metrics,
    pearson,
    primary,
    regression_metrics,
    task_metrics,
)

BOUNDS = (-3.0, 3.0)
Y = np.array([-3.0, -1.6, 0.0, 0.4, 2.5, 1.0])
P = np.array([-4.0, -1.4, -0.2, 0.6, 1.2, 0.0])


def test_sentiment_metrics_agree_with_a_case_worked_by_hand():
    found = regression_metrics(Y, P, BOUNDS)
    assert found["mae"] == pytest.approx((0 + 0.2 + 0.2 + 0.2 + 1.3 + 1) / 6)
    assert found["mae_unclipped"] == pytest.approx((1 + 0.2 + 0.2 + 0.2 + 1.3 + 1) / 6)
    # rounded: y -3 -2 0 0 2 1, p -3 -1 0 1 1 0 (2.5 rounds to even)
    assert found["acc7"] == pytest.approx(2 / 6)
    # within [-2, 2]: y -2 -2 0 0 2 1, p -2 -1 0 1 1 0
    assert found["acc5"] == pytest.approx(2 / 6)
    # within [-1, 1]: y -1 -1 0 0 1 1, p -1 -1 0 1 1 0
    assert found["acc3"] == pytest.approx(4 / 6)
    # y >= 0: F F T T T T, p >= 0: F F F T T T
    assert found["acc2_has0"] == pytest.approx(5 / 6)
    assert found["f1_has0"] == pytest.approx((4 * (6 / 7) + 2 * (4 / 5)) / 6)
    # without y = 0, y > 0: F F T T T, p > 0: F F T T F
    assert found["acc2_non0"] == pytest.approx(4 / 5)
    assert found["f1_non0"] == pytest.approx((3 * (4 / 5) + 2 * (4 / 5)) / 5)


def test_a_half_rounds_to_the_even_class():
    found = regression_metrics(np.array([0.0, 2.0, -2.0]), np.array([0.5, 2.5, -1.5]), BOUNDS)
    assert found["acc7"] == 1.0


def test_predictions_are_clipped_to_the_bounds_and_the_error_of_the_field_is_kept():
    found = regression_metrics(np.array([0.0, 1.0]), np.array([0.0, 11.0]), BOUNDS)
    assert (found["mae"], found["mae_unclipped"]) == (1.0, 5.0)
    found = regression_metrics(np.array([-3.0, 0.0, 3.0]), np.array([-9.0, 0.0, 9.0]), BOUNDS)
    assert (found["mae"], found["mae_unclipped"], found["ccc"]) == (0.0, 4.0, 1.0)


def test_without_bounds_nothing_is_clipped_and_there_is_one_error():
    found = regression_metrics(np.array([0.0, 1.0]), np.array([0.0, 11.0]))
    assert found["mae"] == 5.0
    assert "mae_unclipped" not in found


def test_accuracies_of_sentiment_are_left_out_under_other_bounds():
    assert set(regression_metrics(Y, P)) == {"mae", "corr", "ccc"}
    assert set(regression_metrics(Y, P, (-1.0, 1.0))) == {"mae", "corr", "ccc", "mae_unclipped"}


def test_regression_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    y = rng.integers(-15, 16, 400) / 5
    p = y + rng.normal(0, 1, 400)
    found = regression_metrics(y, p, BOUNDS)
    rounded = np.round(np.clip(y, -3, 3)), np.round(np.clip(p, -3, 3))
    assert found["mae_unclipped"] == pytest.approx(sk.mean_absolute_error(y, p))
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(y, np.clip(p, -3, 3)))
    assert found["corr"] == pytest.approx(np.corrcoef(y, np.clip(p, -3, 3))[0, 1])
    assert found["acc7"] == pytest.approx(sk.accuracy_score(*rounded))
    assert found["f1_has0"] == pytest.approx(sk.f1_score(y >= 0, p >= 0, average="weighted"))
    non0 = y != 0
    assert found["acc2_non0"] == pytest.approx(sk.accuracy_score(y[non0] > 0, p[non0] > 0))
    assert found["f1_non0"] == pytest.approx(sk.f1_score(y[non0] > 0, p[non0] > 0, average="weighted"))


def test_f1_is_weighted_by_the_true_support_not_the_predicted():
    y, p = np.array([0, 0, 0, 1]), np.array([1, 1, 0, 1])
    f1 = [2 * 1 / (3 + 1), 2 * 1 / (1 + 3)]
    assert class_metrics(y, p, 2)["wf1"] == pytest.approx((3 * f1[0] + 1 * f1[1]) / 4)
    y, p = np.array([0, 0, 0, 1]), np.array([0, 1, 0, 1])
    assert class_metrics(y, p, 2)["wf1"] == pytest.approx((3 * 0.8 + 1 * 2 / 3) / 4)
    assert class_metrics(p, y, 2)["wf1"] != pytest.approx(class_metrics(y, p, 2)["wf1"])


@pytest.mark.parametrize("present", [4, 3])
def test_classes_agree_with_scikit_learn(present):
    rng = np.random.default_rng(1)
    y, p = rng.integers(0, present, 300), rng.integers(0, present, 300)
    p = np.where(rng.random(300) < 0.5, y, p)
    found = class_metrics(y, p, 4)
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(y, p))
    assert found["wf1"] == pytest.approx(sk.f1_score(y, p, average="weighted"))
    assert found["macro_f1"] == pytest.approx(sk.f1_score(y, p, average="macro"))
    assert found["uar"] == pytest.approx(sk.balanced_accuracy_score(y, p))


def test_multilabel_agrees_with_scikit_learn():
    rng = np.random.default_rng(2)
    y = (rng.random((200, 5)) < [0.5, 0.2, 0.1, 0.7, 0.4]).astype(np.float32)
    p = np.where(rng.random(y.shape) < 0.7, y, 1 - y)
    found = multilabel_metrics(y, p)
    assert found["accuracy"] == pytest.approx((y == p).mean())
    assert found["wf1"] == pytest.approx(sk.f1_score(y, p, average="weighted"))
    assert found["macro_f1"] == pytest.approx(sk.f1_score(y, p, average="macro"))
    each = [sk.balanced_accuracy_score(y[:, c], p[:, c]) for c in range(5)]
    assert found["uar"] == pytest.approx(np.mean(each))


def test_missing_cells_of_multilabel_tasks_do_not_count():
    y = np.array([[1, np.nan], [0, 1], [1, np.nan]])
    assert multilabel_metrics(y, np.array([[1, 0], [0, 1], [1, 1]])) == {
        "accuracy": 1.0, "wf1": 1.0, "macro_f1": 1.0, "uar": 1.0,
    }  # fmt: skip


def test_concordance_agrees_with_a_case_worked_by_hand():
    # means 1 and 2, variances 2/3 and 2/3, covariance 2/3
    assert ccc(np.array([0.0, 1, 2]), np.array([1.0, 2, 3])) == pytest.approx((4 / 3) / (4 / 3 + 1))
    assert ccc(np.array([0.0, 1, 2]), np.array([2.0, 1, 0])) == pytest.approx(-1.0)


def test_a_constant_correlates_with_nothing():
    third = np.full(3, 1 / 3)
    assert pearson(np.array([1.0, 2, 4]), third) == 0.0
    assert regression_metrics(np.array([1.0, 2, 4]), third)["corr"] == 0.0
    assert ccc(third, third) == 0.0


def test_metrics_of_nothing_are_not_numbers_rather_than_errors():
    found = regression_metrics(np.zeros(0), np.zeros(0), BOUNDS)
    assert math.isnan(found["mae"])
    assert found["corr"] == 0.0


def test_samples_without_a_label_are_left_out():
    regression = Task("regression", np.array([1, np.nan, 3], dtype=np.float32))
    assert task_metrics(regression, regression.targets, np.array([[1.0], [99.0], [3.0]]))["mae"] == 0.0
    classes = Task("classes", np.array([1, -1, 0]), ("a", "b"))
    scores = np.array([[0.1, 0.9], [0.9, 0.1], [0.2, 0.8]])
    assert task_metrics(classes, classes.targets, scores)["accuracy"] == 0.5


def test_multilabel_outputs_are_logits():
    task = Task("multilabel", np.array([[1, 0]], dtype=np.float32), ("a", "b"))
    assert task_metrics(task, task.targets, np.array([[0.2, -0.2]]))["accuracy"] == 1.0


@pytest.mark.parametrize("shape", [(2,), (3, 2), (3, 4)])
def test_outputs_of_another_shape_are_refused(shape):
    task = Task("classes", np.array([1, -1, 0]), ("a", "b", "c"))
    with pytest.raises(ValueError, match=r"outputs have the shape \[.*\], expected \[3, 3\]"):
        task_metrics(task, task.targets, np.zeros(shape))


def test_keys_bear_the_task_only_where_there_are_several():
    a = Task("regression", np.array([1, 2], dtype=np.float32))
    b = Task("classes", np.array([0, 1]), ("x", "y"))
    outputs = {"a": np.array([1.0, 2.0]), "b": np.eye(2)}
    assert all_metrics({"a": a}, outputs)["mae"] == 0.0
    both = all_metrics({"a": a, "b": b}, outputs)
    assert both["a/mae"] == 0.0
    assert both["b/accuracy"] == 1.0


def test_every_metric_has_a_direction_and_every_task_a_primary_one():
    multilabel = Task("multilabel", np.array([[1, 0]], dtype=np.float32), ("a", "b"))
    classes = Task("classes", np.array([0, 1]), ("a", "b"))
    regression = Task("regression", np.array([0.5], dtype=np.float32))
    keys = {*regression_metrics(Y, P, BOUNDS), *class_metrics(np.array([0]), np.array([0]), 2)}
    assert keys | {"params", "flops", "latency_ms", "loss"} == set(DIRECTIONS)
    assert [primary(task) for task in (regression, classes, multilabel)] == ["mae", "accuracy", "macro_f1"]
    assert DIRECTIONS["mae"] == DIRECTIONS["params"] == "min"
    assert DIRECTIONS["corr"] == "max"

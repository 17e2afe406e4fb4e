"""y in every form that people have becomes tasks, and says what its classes are called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from haemsa.cluster.estimator.targets import ONLY, Target, targets_of


def target(y: Any, kind: Any = "auto", bounds: Any = None) -> Target:
    return targets_of(y, kind, bounds)[ONLY]


@pytest.mark.parametrize(
    ("y", "classes", "numbers"),
    [
        (np.array([3, 1, 3]), [1, 3], [1, 0, 1]),
        (["b", "a", None], ["a", "b"], [1, 0, -1]),
        (np.array([True, False]), [False, True], [1, 0]),
        (pd.Series(["x", np.nan, "y"]), ["x", "y"], [0, -1, 1]),
        (pd.Series([2, pd.NA, 5], dtype="Int64"), [2, 5], [0, -1, 1]),
        (pd.Series(["x", "y", None], dtype="category"), ["x", "y"], [0, 1, -1]),
        ([1, None, 2], [1, 2], [0, -1, 1]),
    ],
)
def test_integers_text_and_bools_are_classes(y: Any, classes: list[Any], numbers: list[int]) -> None:
    found = target(y)
    assert found.task.kind == "classes" and found.classes is not None
    assert (found.classes.tolist(), found.task.targets.tolist()) == (classes, numbers)
    assert found.task.labels == tuple(map(str, classes))


@pytest.mark.parametrize("y", [np.array([0.5, np.nan]), [0.5, None], pd.Series([0.5, None]), [[0.5], [np.nan]]])
@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
def test_numbers_with_a_point_are_regression(y: Any) -> None:
    found = target(y)
    assert (found.task.kind, found.classes) == ("regression", None)
    assert found.task.targets.dtype == np.float32
    assert found.task.targets[0] == 0.5 and np.isnan(found.task.targets[1])


def test_the_kind_can_be_told() -> None:
    assert target([1, 2, 3], "regression", (0, 5)).task.bounds == (0.0, 5.0)
    assert target([1.0, 2.0, np.nan], "classes").task.targets.tolist() == [0, 1, -1]


def test_several_columns_of_0_and_1_are_multilabel() -> None:
    found = target(pd.DataFrame({"calm": [0, 1, None], "loud": [1, 1, 0]}))
    assert (found.task.kind, found.task.labels) == ("multilabel", ("calm", "loud"))
    assert np.isnan(found.task.targets[2, 0])
    assert target(np.array([[True, False]] * 2)).classes.tolist() == [0, 1]  # type: ignore[union-attr]


def test_a_dictionary_has_several_tasks() -> None:
    found = targets_of({"mood": [0.5, 1.5], "tone": ["a", "b"]}, {"mood": "regression"}, {"mood": (0, 2)})
    assert {name: item.task.kind for name, item in found.items()} == {"mood": "regression", "tone": "classes"}
    assert found["mood"].task.bounds == (0.0, 2.0)


@pytest.mark.parametrize(
    ("y", "kind", "sentence"),
    [
        (None, "auto", "requires y to be passed, but the target y is None"),
        ({}, "auto", "y has no task, expected at least one"),
        ([1, 2], "odd", "kind is 'odd', expected one of auto, regression, classes, multilabel"),
        ({"a": [1, 2]}, {"b": "classes"}, "kind has 'b', expected tasks of y: a"),
        ({"a": [1, 2], "b": [1]}, "regression", "have different numbers of labels, .*: a 2, b 1"),
        ([1, 1, 1], "auto", "y has 1 class, expected at least 2 classes"),
        ([0.5, np.inf], "auto", "Input y contains infinity"),
        ([1.7e9, 1.7e9 + 1, 1.7e9 + 2], "regression", r"labels .y. lie around 1\.7e\+09 and deviate by 0\.82"),
        ([1.0, np.inf], "classes", "Input y contains infinity"),
        (["a", 1], "auto", "y mixes text and numbers, expected classes of one kind"),
        (["a", "b"], "regression", "y holds 'a', expected numbers for regression"),
        ([[0.0, 1.5], [1.0, 0.0]], "auto", "y has several columns and holds 1.5, expected 0 or 1 in each"),
        ([1, 2], "multilabel", "y has 1 axes, expected 2 for multilabel"),
        (np.zeros((2, 2, 2)), "auto", "y has 3 axes, expected"),
        (np.ones(2, complex), "auto", "y is complex, expected real numbers or classes"),
        (sparse.csr_matrix(np.eye(2)), "auto", "y is a sparse matrix, expected an array"),
        ([(1,), {}], "auto", "y has samples of several lengths"),
        ([{}, {}], "auto", "y holds {}, expected numbers, text or bools"),
    ],
)
def test_labels_that_do_not_fit_give_one_sentence(y: Any, kind: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        targets_of(y, kind, None)


def test_bounds_are_two_numbers() -> None:
    with pytest.raises(ValueError, match=r"bounds are 3, expected \(lowest, highest\)"):
        target([0.5, 1.5], bounds=3)
    with pytest.raises(ValueError, match=r"regression labels range from 0\.5 to 1.5, outside their bounds"):
        target([0.5, 1.5], bounds=(0, 1))

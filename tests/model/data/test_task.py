import numpy as np
import pytest

from haemsa.model.data.task import Task, labels_of


def test_outputs_and_labelled_samples_follow_the_kind():
    regression = Task("regression", np.array([1, np.nan], dtype=np.float32), bounds=(-3, 3))
    classes = Task("classes", np.array([-1, 2]), ("a", "b", "c"))
    multilabel = Task("multilabel", np.array([[np.nan, 1], [np.nan, np.nan]], dtype=np.float32), ("a", "b"))
    assert [task.outputs for task in (regression, classes, multilabel)] == [1, 3, 2]
    assert regression.labelled.tolist() == [True, False]
    assert classes.labelled.tolist() == [False, True]
    assert multilabel.labelled.tolist() == [True, False]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sorting", np.zeros(2, np.float32)), "task kind is 'sorting', expected one of regression"),
        (("regression", np.zeros(2)), "regression targets are float64 with 1 axes, expected float32 with 1"),
        (("regression", np.array([np.inf], np.float32)), "a regression label is infinite"),
        (("regression", np.zeros(2, np.float32), ("a", "b")), "a regression task has class names"),
        (("regression", np.array([4], np.float32), (), (-3, 3)), "range from 4 to 4, outside their bounds"),
        (("classes", np.zeros(2, np.int64), ("a",)), "expected 2 or more, distinct"),
        (("classes", np.zeros(2, np.int64), ("a", "a")), "expected 2 or more, distinct"),
        (("classes", np.array([0, 2]), ("a", "b")), "a classes label is 2, expected -1 to 1"),
        (("classes", np.array([0, 1]), ("a", "b"), (0, 1)), "has bounds"),
        (("multilabel", np.array([[0.5]], np.float32), ("a",)), "a multilabel label is 0.5, expected 0, 1 or NaN"),
        (("multilabel", np.zeros((2, 3), np.float32), ("a",)), "targets have 3 columns for 1 class names"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused_in_one_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        Task(*arguments)


def test_bounds_are_as_exact_as_labels_of_32_bits():
    edge = np.array([-0.1, 0.1], np.float32)  # as float64 a little outside of -0.1 to 0.1
    assert Task("regression", edge, bounds=(-0.1, 0.1)).targets.tolist() == edge.tolist()


@pytest.mark.parametrize("unit", [1e-30, 1e-5, 1.0, 1e22])
def test_labels_of_any_unit_are_read(unit):
    values = np.array([-3.0, 0.2, np.nan, 2.6]) * unit
    np.testing.assert_allclose(labels_of(values, "y"), values, rtol=1e-6)


def test_an_offset_is_refused_only_where_32_bits_cannot_tell_labels_apart():
    values = np.linspace(-3, 3, 50)
    assert len(np.unique(labels_of(values + 1e5, "y"))) == 50
    with pytest.raises(ValueError, match=r"'y' lie around 1\.7e\+09 and deviate by 1\.8.* the labels minus 1\.7e\+09"):
        labels_of(values + 1.7e9, "y")
    with pytest.raises(ValueError, match=r"expected the labels divided by 1\.8e-44"):
        labels_of(values * 1e-44, "y")
    assert labels_of(np.arange(50) + 2.0**23, "whole numbers").std() == pytest.approx(14.43, abs=0.01)
    assert labels_of(np.full(3, 0.1), "all the same").tolist() == [np.float32(0.1)] * 3

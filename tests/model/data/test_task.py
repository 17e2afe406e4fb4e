import numpy as np
import pytest

from haemsa.model.data.task import Task


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

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from haemsa.model.data.readers.csd.labels import label_names, make_tasks

MOSEI = ["sentiment", "happy", "sad", "anger", "surprise", "disgust", "fear"]

OTHER_WORDS = ["Sentiment", "happiness", "sadness", "angry", "surprised", "disgusted", "fearful"]


def tasks_of(rows, names=None):
    """The tasks of label rows in a file that gives these names for its columns, and the notes."""
    values, notes = np.array(rows, np.float32), []
    file = SimpleNamespace(path=Path("x.csd"), width=values.shape[1], metadata={"dimension names": names})
    return make_tasks(values, label_names([file]), notes), notes


def test_one_column_is_sentiment_with_bounds_where_all_labels_keep_them():
    tasks, notes = tasks_of([[-3], [0.5], [3]], ["labels_0"])
    assert list(tasks) == ["sentiment"]
    assert (tasks["sentiment"].kind, tasks["sentiment"].bounds) == ("regression", (-3, 3))
    assert tasks["sentiment"].targets.tolist() == [-3, 0.5, 3]
    assert tasks_of([[-3], [3.5]])[0]["sentiment"].bounds is None
    assert notes == []


def test_missing_labels_are_counted_and_break_no_bounds():
    tasks, notes = tasks_of([[np.nan], [1], [np.nan]])
    assert tasks["sentiment"].labelled.tolist() == [False, True, False]
    assert tasks["sentiment"].bounds == (-3, 3)
    assert notes == ["sentiment: 2 labels missing"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["valence", "arousal level"], ["valence", "arousal_level"]),
        (["q1", "q2"], ["q1", "q2"]),
        (["same", "same"], ["label_0", "label_1"]),
        (["one"], ["label_0", "label_1"]),
        (["one", 2], ["label_0", "label_1"]),
        (["one", "..."], ["label_0", "label_1"]),
        ("no list", ["label_0", "label_1"]),
        (None, ["label_0", "label_1"]),
    ],
)
def test_several_columns_are_regression_tasks_named_by_the_file(given, found):
    tasks, _ = tasks_of([[1, 2], [2, 1]], given)
    assert list(tasks) == found
    assert {(task.kind, task.bounds) for task in tasks.values()} == {("regression", None)}


@pytest.mark.parametrize(
    "given", [MOSEI, OTHER_WORDS, [name.title() for name in MOSEI], None, [f"labels_{n}" for n in range(7)]]
)
def test_the_seven_columns_of_mosei_are_sentiment_and_emotions(given):
    tasks, notes = tasks_of([[-2, 0, 1 / 3, 3, 0, 0, 0], [np.nan, 2, 0, 0, 0, 0, np.nan]], given)
    assert list(tasks) == ["sentiment", "emotion"]
    assert tasks["sentiment"].bounds == (-3, 3)
    assert tasks["emotion"].labels == ("happy", "sad", "anger", "surprise", "disgust", "fear")
    assert tasks["emotion"].targets[0].tolist() == [0, 1, 1, 0, 0, 0]
    assert tasks["emotion"].targets[1].tolist()[:5] == [1, 0, 0, 0, 0]
    assert np.isnan(tasks["emotion"].targets[1, 5])
    assert notes == ["emotion: a class is present where its label is above 0", "sentiment: 1 labels missing"]


def test_moseis_columns_are_found_in_any_order():
    tasks, _ = tasks_of(
        [[0, 1, 2, 0, 0, 0, -1]], ["fear", "sadness", "happiness", "anger", "surprise", "disgust", "senti"]
    )
    assert tasks["sentiment"].targets.tolist() == [-1]
    assert tasks["emotion"].targets[0].tolist() == [1, 1, 0, 0, 0, 0]


def test_moseis_names_decide_whatever_the_ranges():
    assert list(tasks_of([[-4, 0, 0, 0, 0, 0, 4]], MOSEI)[0]) == ["sentiment", "emotion"]


def test_seven_columns_of_other_names_are_not_moseis():
    tasks, _ = tasks_of([[1] * 7], ["sentiment", *"abcdef"])
    assert list(tasks) == ["sentiment", *"abcdef"]
    assert [task.bounds for task in tasks.values()] == [(-3, 3), *[None] * 6]


@pytest.mark.parametrize("row", [[1] * 6 + [-1], [4] + [1] * 6, [1] * 6 + [3.5]])
def test_seven_nameless_columns_beyond_moseis_ranges_are_not_moseis(row):
    assert list(tasks_of([row])[0]) == [f"label_{number}" for number in range(7)]

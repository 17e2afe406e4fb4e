import numpy as np
import pytest

from haemsa.model.data.readers.described.description import TaskEntry
from haemsa.model.data.readers.described.samples import SoundSamples
from haemsa.model.data.readers.described.targets import make_tasks
from haemsa.model.data.readers.options import Damage


def text(*cells):
    return np.array(cells, dtype=object)


def made(entry, columns, *, skip=False):
    count = len(next(iter(columns.values())))
    samples = SoundSamples("t.csv: row", [str(row) for row in range(1, count + 1)], Damage(skip=skip))
    tasks = make_tasks("mood", TaskEntry.model_validate({"from": next(iter(columns)), **entry}), columns, samples)
    return tasks, samples.sound.tolist()


def only(entry, *cells, skip=False):
    cells = text(*cells) if any(cell is None or isinstance(cell, str) for cell in cells) else np.array(cells)
    tasks, sound = made(entry, {"y": cells}, skip=skip)
    assert list(tasks) == ["mood"]
    return tasks["mood"], sound


def test_text_is_guessed_to_be_classes_and_fractions_regression():
    task, _ = only({}, "joy", None, "anger", "joy")
    assert (task.kind, task.labels, task.targets.tolist()) == ("classes", ("anger", "joy"), [1, -1, 0, 1])
    task, _ = only({}, "1.5", "-2", None)
    assert (task.kind, task.targets[:2].tolist(), np.isnan(task.targets[2])) == ("regression", [1.5, -2], True)


@pytest.mark.parametrize("cells", [("1", "2"), (1, 2), (1.0, 2.0), ("1.5", "joy"), (True, False), (None, None)])
def test_any_other_labels_ask_for_their_kind(cells):
    with pytest.raises(ValueError, match="could be of any kind, expected kind: regression, classes or multilabel"):
        only({}, *cells)


def test_classes_are_sorted_numbers_as_numbers():
    task, _ = only({"kind": "classes"}, "10", "9", "x", "", "10")
    assert (task.labels, task.targets.tolist()) == (("9", "10", "x"), [1, 0, 2, -1, 1])
    task, _ = only({"kind": "classes"}, 2.0, 0.5, np.nan)
    assert (task.labels, task.targets.tolist()) == (("0.5", "2"), [1, 0, -1])
    task, _ = only({"kind": "classes"}, True, False)
    assert (task.labels, task.targets.tolist()) == (("False", "True"), [1, 0])


@pytest.mark.parametrize("other", ["01", "1.0", "+1"])
def test_classes_that_would_be_one_as_numbers_are_told_apart_as_text(other):
    task, _ = only({"kind": "classes"}, "1", other, "1", "20")
    assert task.labels == tuple(sorted(["1", other, "20"]))
    assert [task.labels[place] for place in task.targets] == ["1", other, "1", "20"]
    task, _ = only({"labels": ["1", other]}, "1", other)
    assert task.targets.tolist() == [0, 1]


def test_codes_are_no_numbers():
    task, _ = only({"kind": "classes"}, "01", "10", "02")
    assert task.labels == ("01", "02", "10")
    with pytest.raises(ValueError, match="row 2: 'y' is '02', expected one of 1, 2"):
        only({"labels": [1, 2]}, "1.0", "02")


def test_given_labels_fix_the_order_and_one_outside_is_damage():
    task, _ = only({"labels": ["sad", 1, "01x"]}, "1.0", "sad", "01x", None)
    assert (task.labels, task.targets.tolist()) == (("sad", "1", "01x"), [1, 0, 2, -1])
    with pytest.raises(ValueError, match=r"^t\.csv: row 2: 'y' is 'hapy' \(did you mean happy\?\), expected one of"):
        only({"labels": ["happy", "sad"]}, "sad", "hapy")
    task, sound = only({"labels": ["happy", "sad"]}, "sad", "hapy", skip=True)
    assert (task.targets.tolist(), sound) == ([1, -1], [0])


def test_bounds_are_kept_by_all_labels():
    task, _ = only({"bounds": [0, 0.1]}, 0.1, 0.0)
    assert task.bounds == (0.0, float(np.float32(0.1)))
    with pytest.raises(ValueError, match=r"row 1: 'y' is 7\.0, expected -3 to 3"):
        only({"bounds": [-3, 3]}, 7.0, 0.0)
    task, sound = only({"bounds": [-3, 3]}, 7.0, 0.0, skip=True)
    assert (np.isnan(task.targets).tolist(), sound) == ([True, False], [1])


@pytest.mark.parametrize(("cell", "shown"), [("x", "'x'"), ("inf", "'inf'"), ("1e50", "'1e50'"), ("0x1", "'0x1'")])
def test_a_regression_label_that_is_no_number_is_damage(cell, shown):
    with pytest.raises(ValueError, match=f"row 2: 'y' is {shown}, expected a number"):
        only({"kind": "regression"}, "1.5", cell)
    task, sound = only({"kind": "regression"}, "1.5", cell, skip=True)
    assert (np.isnan(task.targets).tolist(), sound) == ([False, True], [0])


def test_labels_that_32_bits_cannot_tell_apart_are_refused_by_the_name_of_their_column():
    with pytest.raises(ValueError, match=r"'y' lie around 1\.7e\+09 and deviate by 0\.82"):
        only({"kind": "regression"}, 1.7e9, 1.7e9 + 1, 1.7e9 + 2)


def test_several_columns_are_a_task_each_or_the_classes_of_one():
    columns = {"y[0]": np.array([0.5, 1]), "y[1]": np.array([2, 2.5])}
    tasks, _ = made({"from": "y", "columns": ["calm", "vivid"]}, columns)
    assert {name: task.targets.tolist() for name, task in tasks.items()} == {"calm": [0.5, 1], "vivid": [2, 2.5]}
    columns = {"happy": text("1", "0", None), "sad": text("True", "false", None)}
    tasks, _ = made({"from": ["happy", "sad"], "kind": "multilabel"}, columns)
    assert (tasks["mood"].labels, tasks["mood"].targets[:2].tolist()) == (("happy", "sad"), [[1, 1], [0, 0]])
    assert np.isnan(tasks["mood"].targets[2]).all()


def test_a_label_of_many_that_is_neither_0_nor_1_is_damage():
    with pytest.raises(ValueError, match="row 3: 'sad' is 2, expected 0 or 1"):
        made({"from": ["sad"], "kind": "multilabel"}, {"sad": np.array([0, 1, 2])})


@pytest.mark.parametrize(
    ("entry", "columns", "message"),
    [
        (
            {"columns": ["a"]},
            {"y": text("a"), "z": text("b")},
            "columns gives 1 names, expected 2, one for each",
        ),
        (
            {"from": "y_{split}"},
            {"y_{split}[0]": text("a"), "y_{split}[1]": text("b")},
            r"a column is named 'y_\{split\}\[0\]', expected letters, .* \(columns: \[...\] gives the 2 columns",
        ),
        ({"from": ["x y"]}, {"x y": text("a")}, "a column is named 'x y', expected letters"),
        ({"columns": ["x y"]}, {"y": text("a")}, "a column is named 'x y', expected letters"),
        ({}, {"y": text("a", "a")}, r"a classes task has class names \('a',\), expected 2 or more"),
        ({}, {"y": text(*(f"sample {n}" for n in range(1001)))}, "'y' has 1001 distinct labels, expected at most 1000"),
    ],
)
def test_columns_that_make_no_task_are_one_sentence(entry, columns, message):
    with pytest.raises(ValueError, match=message):
        made(entry, columns)

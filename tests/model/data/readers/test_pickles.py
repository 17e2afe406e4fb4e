import pickle

import numpy as np
import pytest

from haemsa.model.data.readers.options import Reading
from haemsa.model.data.readers.pickles import read


def saved(tmp_path, content):
    path = tmp_path / "some.pkl"
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol=4))
    return path


def by_split(key):
    part = {"text": np.random.default_rng(0).normal(size=(4, 2)), key: np.array([0.5, -1, 2, 3])}
    return dict.fromkeys(("train", "valid", "test"), part)


@pytest.mark.parametrize("key", ["regression_labels", "labels"])
def test_a_dictionary_by_split_is_mmsas_or_mults_by_its_labels(tmp_path, key):
    assert read(saved(tmp_path, by_split(key)), Reading()).tasks["sentiment"].targets[:2].tolist() == [0.5, -1]


@pytest.mark.parametrize("name", ["dev", "val", "validation"])
def test_the_validation_split_may_have_another_name(tmp_path, name):
    parts = by_split("labels")
    data = read(saved(tmp_path, {"train": parts["train"], name: parts["valid"], "test": parts["test"]}), Reading())
    assert [len(indices) for indices in data.splits.values()] == [4, 4, 4]


def test_what_is_no_split_is_left_out(tmp_path):
    parts = by_split("labels")
    assert "dev, more: no split; left out" in read(saved(tmp_path, {**parts, "dev": {}, "more": {}}), Reading()).notes


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (7, "it holds 7"),
        ("text", "it holds 'text'"),
        (None, "it holds None"),
        ([], "it holds a list of 0"),
        ([1, 2], "it holds a list of 2"),
        (np.zeros(3), "it holds float64 \\[3\\]"),
        ({}, "it holds a dictionary of nothing"),
        ({1: 2}, "it holds a dictionary of nothing"),
        ({"train": {"x": 1}, "test": 2}, "it holds a dictionary of train, test, with x within"),
        ({"train": [((1,), 2)], "dev": 3}, "it holds a dictionary of train, valid"),
    ],
)
def test_another_layout_is_an_error_that_lists_those_that_are_read(tmp_path, content, found):
    expected = r"expected train, valid and test with .*MMSA.*MulT.*MISA.*DialogueRNN"
    with pytest.raises(ValueError, match=rf"^\S*some\.pkl: {found}, {expected}"):
        read(saved(tmp_path, content), Reading())


def test_lists_in_lists_without_end_are_told_in_short(tmp_path):
    deep = [0]
    for _ in range(60):
        deep = [deep] * 10
    parts = by_split("labels")
    parts["valid"] = parts["valid"] | {"labels": [deep] * 4}
    with pytest.raises(ValueError, match="valid sample 0: 'labels' is a list of 10, expected 10 numbers"):
        read(saved(tmp_path, parts), Reading())
    for content in (deep, {"train": deep}, [{"a": deep}, deep]):
        with pytest.raises(ValueError, match=r"some\.pkl: [^\n]{1,400}$"):
            read(saved(tmp_path, content), Reading())


def test_one_array_under_many_names_takes_no_more_memory_than_the_file_justifies(tmp_path):
    part = by_split("labels")["train"] | {f"audio{number}": np.ones((4, 1)) for number in range(3)}
    wide = np.ones((4, 300_000), np.float16)
    part |= {f"text{number}": wide for number in range(100)}
    with pytest.raises(
        ValueError, match=r"text\d+ of the shape \[12, 1, 300000\] would take \d+ bytes, more than the file"
    ):
        read(saved(tmp_path, dict.fromkeys(("train", "valid", "test"), part)), Reading())


def test_a_pickle_that_calls_functions_is_refused_before_its_layout_is_looked_at(tmp_path):
    with pytest.raises(ValueError, match=r"some\.pkl is refused and was not run: it asks for os\.system"):
        read(saved(tmp_path, b"(S'ls'\nios\nsystem\n."), Reading())

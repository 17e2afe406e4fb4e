from dataclasses import replace

import numpy as np
import pytest

from haemsa.model.data.dataset import Dataset, Modality, Task
from haemsa.model.data.readers.context import with_context


def talk(ids, groups, present=None):
    """Training samples, and one of each other split."""
    ids, groups = [*ids, "valid[0]", "test[0]"], [*groups, 98, 99]
    present = None if present is None else [*present, 1, 1]
    count = len(ids)
    features = (1 + np.arange(count, dtype=np.float32))[:, None, None] * np.array([1, 10], np.float32)
    lengths = np.ones(count, np.int64) if present is None else np.array(present, np.int64)
    features[lengths == 0] = 0
    order = np.arange(count)
    return Dataset(
        "talk",
        {"text": Modality(features, lengths)},
        {"mood": Task("regression", np.arange(count, dtype=np.float32))},
        {"train": order[: count - 2], "valid": order[count - 2 : count - 1], "test": order[count - 1 :]},
        tuple(ids),
        np.array(groups),
    )


def before(data, steps=2):
    stream = with_context(data, steps).modalities["text_before"]
    return [stream.features[n, : stream.lengths[n], 0].tolist() for n in data.splits["train"]]


def test_a_sample_looks_back_on_those_before_it_in_its_conversation_the_oldest_first():
    data = talk(["a[0]", "a[1]", "a[2]", "a[3]", "b[0]", "b[1]"], [0, 0, 0, 0, 1, 1])
    assert before(data) == [[], [1], [1, 2], [2, 3], [], [5]]


def test_numbers_in_ids_tell_the_order_and_conversations_of_a_group_are_told_apart():
    data = talk(["Ses01_b[1]", "Ses01_a[10]", "Ses01_a[9]", "Ses01_b[0]"], [0, 0, 0, 0])
    assert before(data) == [[4], [3], [], []]


def test_without_numbers_in_brackets_the_order_of_the_data_counts():
    assert before(talk(["x", "y", "z", "w"], [0, 0, 0, 0])) == [[], [1], [1, 2], [2, 3]]


def test_samples_that_lack_the_modality_are_passed_over():
    assert before(talk(["a[0]", "a[1]", "a[2]", "a[3]"], [0] * 4, present=[1, 0, 1, 1])) == [[], [1], [1], [1, 3]]


def test_a_sequence_is_averaged_and_the_data_keeps_all_it_had():
    data = talk(["a[0]", "a[1]", "a[2]", "a[3]"], [0] * 4)
    long = Modality(np.repeat(data.modalities["text"].features, 3, axis=1), np.full(6, 3))
    found = with_context(replace(data, modalities={"text": long}), 5)
    assert list(found.modalities) == ["text", "text_before"]
    assert found.modalities["text_before"].features[2, :2, 1].tolist() == [10, 20]
    assert found.notes[-1] == "text_before: up to 5 previous samples of the same conversation"


def test_data_without_conversations_is_refused():
    with pytest.raises(ValueError, match="has no two samples of one conversation"):
        with_context(talk(["a", "b", "c", "d"], [0, 1, 2, 3]), 2)


def test_no_training_sample_looks_back_on_one_of_the_test_split():
    data = talk(["a[0]", "a[1]", "a[2]", "a[3]"], [0] * 4)
    splits = {"train": np.array([0, 1, 3]), "valid": np.array([4]), "test": np.array([2, 5])}
    stream = with_context(replace(data, splits=splits), 3).modalities["text_before"]
    assert stream.features[3, : stream.lengths[3], 0].tolist() == [1, 2]


def test_data_that_looks_back_already_is_refused():
    with pytest.raises(ValueError, match="has the stream 'text_before': it looks back already"):
        with_context(with_context(talk(["a[0]", "a[1]"], [0, 0]), 2), 2)

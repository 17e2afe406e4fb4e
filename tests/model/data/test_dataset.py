from dataclasses import replace

import numpy as np
import pytest

from haemsa.model.data.dataset import Dataset, Modality, Task


def modality(samples=6, steps=2, width=3, seed=0):
    features = np.random.default_rng(seed).normal(size=(samples, steps, width)).astype(np.float32)
    features[0] = 0
    lengths = np.full(samples, steps)
    lengths[0] = 0
    return Modality(features, lengths)


def dataset(**changes):
    parts = {
        "name": "small",
        "modalities": {"text": modality(), "audio": modality(width=2, seed=1)},
        "tasks": {"mood": Task("regression", np.array([0, 1, 2, 3, np.nan, 5], dtype=np.float32))},
        "splits": {"train": np.array([0, 2]), "valid": np.array([1]), "test": np.array([5, 3])},
        "ids": tuple("abcdef"),
        "groups": np.array([0, 0, 1, 1, 2, 2]),
    }
    return Dataset(**(parts | changes))


def test_presence_says_which_sample_has_which_modality():
    assert dataset().presence.tolist() == [[False, False]] + 5 * [[True, True]]
    assert dataset().modalities["audio"].width == 2
    assert dataset().modalities["audio"].steps == 2


def test_the_pool_holds_training_then_validation_and_nothing_of_the_test_split():
    pool = dataset().pool()
    assert pool.ids == ("a", "c", "b")
    assert set(pool.splits) == {"train", "valid"}
    assert pool.splits["valid"].tolist() == [2]
    assert pool.tasks["mood"].targets.tolist() == [0, 2, 1]
    assert pool.groups.tolist() == [0, 1, 0]


def test_a_part_is_one_split_in_its_order():
    test = dataset().part("test")
    assert test.ids == ("f", "d")
    assert test.splits["test"].tolist() == [0, 1]
    assert np.array_equal(test.modalities["text"].features, dataset().modalities["text"].features[[5, 3]])
    with pytest.raises(ValueError, match="has no split 'train', it has test"):
        test.part("train")


def test_the_fingerprint_is_of_the_content_and_not_of_the_name():
    data = dataset()
    assert len(data.fingerprint) == 16
    assert int(data.fingerprint, 16) >= 0
    assert replace(data, name="other", notes=("x",)).fingerprint == data.fingerprint
    reordered = dict(reversed(data.modalities.items()))
    assert replace(data, modalities=reordered).fingerprint == data.fingerprint
    features = data.modalities["text"].features.copy()
    features[1, 0, 0] += 1
    changed = [
        replace(data, modalities=data.modalities | {"text": Modality(features, data.modalities["text"].lengths)}),
        replace(data, splits=data.splits | {"test": np.array([3, 5])}),
        replace(data, groups=data.groups + 1),
        replace(data, tasks={"mood": Task("regression", np.arange(6, dtype=np.float32))}),
    ]
    assert len({data.fingerprint, *(other.fingerprint for other in changed)}) == 5


SPLITS = {"train": np.array([0, 2]), "valid": np.array([1]), "test": np.array([5, 3])}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modalities": {}}, "has no modality"),
        ({"tasks": {}}, "has no task"),
        ({"modalities": {"global": modality()}}, "a modality is named 'global'"),
        ({"modalities": {"../text": modality()}}, r"a modality is named '\.\./text', expected letters"),
        ({"modalities": {"text": modality(5)}}, "modality 'text' has 5 samples for 6 ids"),
        ({"tasks": {"mood": Task("regression", np.zeros(7, np.float32))}}, "task 'mood' has 7 targets for 6 ids"),
        ({"groups": np.zeros(5, np.int64)}, r"groups are int64 \[5\], expected int64 \[6\]"),
        ({"splits": {}}, "has no split"),
        ({"splits": SPLITS | {"dev": np.array([4])}}, "split 'dev' is unknown, expected train, valid, test"),
        ({"splits": SPLITS | {"valid": np.zeros(0, np.int64)}}, "split 'valid' is empty"),
        ({"splits": SPLITS | {"valid": np.array([6])}}, "split 'valid' has indices outside 0 to 5"),
        ({"splits": SPLITS | {"valid": np.array([2])}}, "split 'valid' repeats a sample"),
        ({"splits": SPLITS | {"valid": np.array([1, 1])}}, "split 'valid' repeats a sample"),
        ({"splits": SPLITS | {"valid": np.array([4])}}, "task 'mood' has no label in split 'valid'"),
        ({"splits": SPLITS | {"valid": np.array([1.0])}}, "split 'valid' is float64"),
    ],
)
def test_what_does_not_fit_together_is_refused_in_one_sentence(changes, message):
    with pytest.raises(ValueError, match=message):
        dataset(**changes)


@pytest.mark.parametrize(
    ("features", "lengths", "message"),
    [
        (np.zeros((2, 3), np.float32), [1, 1], r"features are float32 \[2, 3\], expected float32 \[N, T, D\]"),
        (np.zeros((2, 3, 0), np.float32), [1, 1], "features are float32"),
        (np.zeros((2, 3, 1)), [1, 1], "features are float64"),
        (np.zeros((2, 3, 1), np.float32), [1], r"lengths are int64 \[1\], expected int64 \[2\]"),
        (np.zeros((2, 3, 1), np.float32), [1, 4], "a length is 4, expected 0 to 3"),
        (np.full((2, 3, 1), np.nan, np.float32), [3, 3], "a feature is not finite"),
        (np.ones((2, 3, 1), np.float32), [3, 2], "beyond its sample's length is not zero"),
    ],
)
def test_a_modality_that_breaks_its_promises_is_refused(features, lengths, message):
    with pytest.raises(ValueError, match=message):
        Modality(features, np.array(lengths))


def test_a_selection_that_repeats_samples_is_refused():
    with pytest.raises(ValueError, match="repeats some"):
        dataset().take(np.array([1, 1]))

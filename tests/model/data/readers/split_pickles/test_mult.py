import pickle

import numpy as np
import pytest

from haemsa.model.data.readers.options import Reading
from haemsa.model.data.sources import load


def content(labels, ids=True, samples=4):
    """A small pickle in MulT's layout; `labels` of one split are made by a function of their number."""
    rng, parts = np.random.default_rng(0), {}
    for split in ("train", "valid", "test"):
        audio = rng.normal(size=(samples, 5, 3))
        audio[0, 0, 0] = -np.inf
        parts[split] = {
            "vision": rng.normal(size=(samples, 5, 2)),
            "audio": audio,
            "text": rng.normal(size=(samples, 5, 6)).astype(np.float32),
            "labels": labels(samples),
        }
        if ids:
            parts[split]["id"] = np.array([[f"{split}{n // 2}_x", f"{n}.5", f"{n + 1}"] for n in range(samples)])
    return parts


def sentiment(samples):
    return np.linspace(-2, 3, samples).reshape(samples, 1, 1)


def saved(tmp_path, value, name="mult.pkl"):
    path = tmp_path / name
    path.write_bytes(pickle.dumps(value, protocol=4))
    return str(path)


@pytest.mark.parametrize("shape", [(4, 1, 1), (4, 1), (4,)])
def test_one_number_per_sample_is_sentiment(tmp_path, shape):
    data = load(saved(tmp_path, content(lambda samples: sentiment(samples).reshape(shape))))
    assert {name: (m.steps, m.width) for name, m in data.modalities.items()} == {
        "vision": (5, 2), "audio": (5, 3), "text": (5, 6),
    }  # fmt: skip
    assert data.tasks["sentiment"].bounds == (-3.0, 3.0)
    assert data.tasks["sentiment"].targets[:4] == pytest.approx([-2, -1 / 3, 4 / 3, 3])
    assert "audio: 3 non-finite cells in 1 columns (0) filled with the training mean" in data.notes


@pytest.mark.parametrize("low", [0, -1])
def test_two_whole_numbers_are_two_classes_if_test_has_no_others(tmp_path, low):
    parts = content(lambda samples: np.array([[low], [1], [1], [np.nan]]))
    data = load(saved(tmp_path, parts))
    assert list(data.tasks) == ["label"]
    assert data.tasks["label"].labels == (str(low), "1")
    assert data.tasks["label"].targets[:4].tolist() == [0, 1, 1, -1]
    assert "label: 3 labels missing" in data.notes
    parts["test"]["labels"][1] = 0.5
    assert load(saved(tmp_path, parts)).tasks["sentiment"].bounds == (-1, 1)


def test_ids_of_three_columns_are_a_video_and_the_times_of_its_segment(tmp_path):
    data = load(saved(tmp_path, content(sentiment)))
    assert data.ids[1] == "train0_x[1.5,2]"
    assert data.groups[:4].tolist() == [data.groups[0]] * 2 + [data.groups[2]] * 2
    assert len(np.unique(data.groups)) == 6


@pytest.mark.parametrize("kind", ["S", "object"])
def test_ids_may_be_bytes_in_one_column_or_missing(tmp_path, kind):
    parts = content(sentiment)
    for split, part in parts.items():
        part["id"] = np.array([[f"{split}[{n}]".encode()] for n in range(4)], dtype=kind)
    data = load(saved(tmp_path, parts))
    assert data.ids[5] == "valid[1]"
    assert len(np.unique(data.groups)) == 3
    data = load(saved(tmp_path, content(sentiment, ids=False)))
    assert len(np.unique(data.groups)) == 12
    assert "ids of train are missing: each sample is its own group" in data.notes


def mosei(samples):
    labels = np.zeros((samples, 1, 7))
    labels[:, 0, 0] = [-3, 0, 1, np.nan]
    labels[1, 0, 1], labels[2, 0, 6], labels[3, 0, 2] = 0.66, 3, np.nan
    return labels


def test_seven_numbers_are_moseis_sentiment_and_the_emotions_above_zero(tmp_path):
    data = load(saved(tmp_path, content(mosei)))
    assert list(data.tasks) == ["sentiment", "emotion"]
    assert data.tasks["emotion"].labels == ("happy", "sad", "anger", "surprise", "disgust", "fear")
    assert data.tasks["emotion"].targets[1].tolist() == [1, 0, 0, 0, 0, 0]
    assert data.tasks["emotion"].targets[2].tolist() == [0, 0, 0, 0, 0, 1]
    assert np.isnan(data.tasks["emotion"].targets[3]).tolist() == [False, True, False, False, False, False]
    assert "sentiment: 3 labels missing" in data.notes


def iemocap(samples):
    present = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]])
    return np.stack([1 - present, present], axis=2)


def test_four_pairs_are_iemocaps_emotions(tmp_path):
    data = load(saved(tmp_path, content(iemocap, ids=False)))
    assert list(data.tasks) == ["emotion"]
    assert data.tasks["emotion"].labels == ("neutral", "happy", "sad", "angry")
    assert data.tasks["emotion"].targets[:4].tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]


def with_label(labels, place, value):
    parts = content(labels)
    parts["valid"]["labels"][place] = value
    return parts


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        (with_label(mosei, (1, 0, 3), -1), "an emotion is -1 strong, expected 0 to 3"),
        (with_label(iemocap, (1, 2), [1, 1]), r"'sad' is \[1.0, 1.0\], expected \[1, 0\] or \[0, 1\]"),
        (with_label(lambda samples: [0.5] * samples, 1, "x"), "'labels' is 'x', expected a number"),
    ],
)
def test_a_damaged_label_is_named_or_its_sample_left_out(tmp_path, parts, problem):
    path = saved(tmp_path, parts)
    with pytest.raises(ValueError, match="valid sample 1: " + problem):
        load(path)
    data = load(path, reading=Reading(skip_damaged=True))
    assert [len(indices) for indices in data.splits.values()] == [4, 3, 4]
    assert any(note.startswith("1 damaged samples left out; the first: valid sample 1") for note in data.notes)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (lambda samples: np.zeros((samples, 3)), r"'labels' has the shape \[3\] per sample, expected one number"),
        (lambda samples: np.zeros((samples, 0)), "split 'train' is empty, expected at least one sample"),
        (lambda samples: np.zeros((3, 1)), r"train 'vision' is float64 \[4, 5, 2\], expected numbers \[3, T, 2\]"),
        (lambda samples: {}, r"split 'train' has no list 'labels', expected one of them"),
        (lambda samples: [[[0.5]]] * samples, "train sample 0: 'labels' is a list of 1, expected a number"),
    ],
)
def test_labels_of_another_form_get_one_sentence(tmp_path, labels, message):
    with pytest.raises(ValueError, match=message):
        load(saved(tmp_path, content(labels)))

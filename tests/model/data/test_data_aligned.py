import pickle

import numpy as np
import pytest

from model.data.reading import Reading
from model.data.sources import load


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


def saved(tmp_path, value, name="aligned.pkl"):
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


def segments(split, label, samples=4, words=np.arange):
    """A list in MISA's layout, its lengths 1, 2, ..."""
    rng = np.random.default_rng(len(split))
    return [
        (
            (words(n + 1), rng.normal(size=(n + 1, 2)), rng.normal(size=(n + 1, 3)), ["w"] * (n + 1)),
            np.array([label], dtype=np.float32),
            f"{split}{n // 2}[{n}]",
        )
        for n in range(samples)
    ]


def misa(tmp_path, label=(0.5,), **changes):
    folder = tmp_path / "MOSI"
    folder.mkdir()
    for stem in ("train", "dev", "test"):
        (folder / f"{stem}.pkl").write_bytes(pickle.dumps(changes.get(stem, segments(stem, label))))
    return folder


@pytest.mark.parametrize("stem", ["train", "dev"])
def test_misas_three_files_of_segments_are_read_by_any_of_them(tmp_path, stem):
    data = load(str(misa(tmp_path) / f"{stem}.pkl"))
    assert data.name == "MOSI"
    assert {name: (m.steps, m.width) for name, m in data.modalities.items()} == {"vision": (4, 2), "audio": (4, 3)}
    assert data.modalities["vision"].lengths[:4].tolist() == [1, 2, 3, 4]
    assert data.ids[5] == "dev0[1]"
    assert len(np.unique(data.groups)) == 6
    assert "text: words or their numbers, not features; left out" in data.notes


def test_moseis_segments_have_emotions_too(tmp_path):
    data = load(str(misa(tmp_path, (1, 0, 2, 0, 0, 0, 0)) / "train.pkl"))
    assert data.tasks["emotion"].targets[0].tolist() == [0, 1, 0, 0, 0, 0]


def test_mag_berts_dictionary_of_lists_is_read_and_words_may_be_vectors(tmp_path):
    parts = {
        split: segments(split, (1.0,), words=lambda length: np.ones((length, 7))) for split in ("train", "dev", "test")
    }
    for part in parts.values():
        part[0][0][0][:] = 2
    data = load(saved(tmp_path, parts))
    assert {name: m.width for name, m in data.modalities.items()} == {"text": 7, "vision": 2, "audio": 3}
    assert [len(indices) for indices in data.splits.values()] == [4, 4, 4]


def test_segments_without_ids_are_each_their_own_group(tmp_path):
    lists = {split: [segment[:2] for segment in segments(split, (1.0,))] for split in ("train", "dev", "test")}
    assert len(np.unique(load(saved(tmp_path, lists)).groups)) == 12


def test_an_empty_segment_is_absent_and_a_damaged_one_named_or_left_out(tmp_path):
    lists = {split: segments(split, (1.0,)) for split in ("train", "dev", "test")}
    lists["train"][0] = ((np.arange(0), np.asarray([]), np.asarray([]), []), *lists["train"][0][1:])
    assert load(saved(tmp_path, lists)).modalities["audio"].presence[:2].tolist() == [False, True]
    words, vision, _, said = lists["dev"][1][0]
    lists["dev"][1] = ((words, vision, np.ones((2, 9)), said), *lists["dev"][1][1:])
    lists["test"][0] = "gone"
    lists["test"][3] = (lists["test"][3][0], np.array([["x"]]), "test1[3]")
    with pytest.raises(ValueError, match=r"valid segment 1: its audio is float64 \[2, 9\], expected \[T, 3\]"):
        load(saved(tmp_path, lists))
    data = load(saved(tmp_path, lists), reading=Reading(skip_damaged=True))
    assert [len(indices) for indices in data.splits.values()] == [4, 3, 2]
    assert any(note.startswith("3 damaged samples left out; the first: valid segment 1") for note in data.notes)


def test_segments_of_one_split_alone_say_what_is_missing(tmp_path):
    folder = misa(tmp_path)
    (folder / "dev.pkl").unlink()
    with pytest.raises(ValueError, match="it holds the segments of one split, expected train, dev, test side by side"):
        load(str(folder / "train.pkl"))
    with pytest.raises(ValueError, match="it holds the segments of one split"):
        load(saved(tmp_path, segments("train", (1.0,)), "other.pkl"))
    (folder / "dev.pkl").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(
        ValueError, match=r"train\.pkl: dev\.pkl beside it holds a dict of 1, expected a list of segments"
    ):
        load(str(folder / "train.pkl"))


def test_one_long_segment_takes_no_more_room_than_the_file(tmp_path):
    lists = {split: segments(split, (1.0,)) * 2000 for split in ("train", "dev", "test")}
    words, vision, _, said = lists["train"][1][0]
    lists["train"].append(((words, vision, np.ones((20_000, 3), np.float16), said), [0.5], "train9[0]"))
    with pytest.raises(
        ValueError, match=r"audio of the shape \[8001, 20000, 3\] would take \d+ bytes, more than the file"
    ):
        load(saved(tmp_path, lists))

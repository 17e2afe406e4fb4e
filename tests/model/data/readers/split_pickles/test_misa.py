import pickle

import numpy as np
import pytest

from haemsa.model.data.readers.options import Reading
from haemsa.model.data.sources import load


def saved(tmp_path, value, name="misa.pkl"):
    path = tmp_path / name
    path.write_bytes(pickle.dumps(value, protocol=4))
    return str(path)


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


def test_segments_are_cut_to_their_first_steps(tmp_path):
    data = load(str(misa(tmp_path) / "test.pkl"), reading=Reading(steps=2))
    whole = load(str(tmp_path / "MOSI" / "test.pkl"))
    assert data.modalities["vision"].lengths[:4].tolist() == [1, 2, 2, 2]
    assert np.array_equal(data.modalities["vision"].features, whole.modalities["vision"].features[:, :2])
    assert "vision: 2 lengths in train cut to 2 steps" in data.notes


def test_the_validation_file_may_have_another_name_and_one_list_may_be_missing(tmp_path):
    folder = misa(tmp_path)
    (folder / "dev.pkl").rename(folder / "val.pkl")
    assert len(load(str(folder / "train.pkl")).split("valid")) == 4
    lists = {split: segments(split, (1.0,)) for split in ("train", "test")}
    assert {split: len(found) for split, found in load(saved(tmp_path, lists)).splits.items()} == {
        "train": 2, "valid": 2, "test": 4,
    }  # fmt: skip


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


def test_segments_of_only_one_split_say_what_is_missing(tmp_path):
    folder = misa(tmp_path)
    (folder / "dev.pkl").unlink()
    with pytest.raises(ValueError, match="it holds the segments of one split, expected train, dev, test side by side"):
        load(str(folder / "train.pkl"))
    with pytest.raises(ValueError, match="it holds the segments of one split"):
        load(saved(tmp_path, segments("train", (1.0,)), "other.pkl"))
    (folder / "dev.pkl").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(
        ValueError, match=r"train\.pkl: dev\.pkl next to it holds a dict of 1, expected a list of segments"
    ):
        load(str(folder / "train.pkl"))


def test_one_long_segment_takes_no_more_memory_than_the_file_justifies(tmp_path):
    lists = {split: segments(split, (1.0,)) * 2000 for split in ("train", "dev", "test")}
    words, vision, _, said = lists["train"][1][0]
    lists["train"].append(((words, vision, np.ones((20_000, 3), np.float16), said), [0.5], "train9[0]"))
    with pytest.raises(
        ValueError, match=r"audio of the shape \[8001, 20000, 3\] would take \d+ bytes, more than the file"
    ):
        load(saved(tmp_path, lists))

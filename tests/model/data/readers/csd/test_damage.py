"""Folders with entries that cannot be read."""

import h5py
import numpy as np
import pytest

from haemsa.model.data.readers.csd.folder import read
from haemsa.model.data.readers.options import Reading
from tests.support.model.csd_files import VIDEOS, labelled, seconds, steps, stream, words

AS_IT_IS = Reading()
SKIP = Reading(skip_damaged=True)


@pytest.fixture
def folder(tmp_path):
    labelled(tmp_path)
    stream(tmp_path, "audio_covarep")
    return tmp_path


def damage(folder, file, video):
    with h5py.File(folder / f"{file}.csd", "r+") as found:
        del found[f"{file}/data/{video}/features"]


@pytest.mark.parametrize("file", ["audio_covarep", "labels"])
def test_a_damaged_entry_is_an_error_that_names_it_and_says_how_to_go_on(folder, file):
    damage(folder, file, "b")
    with pytest.raises(ValueError, match=rf"{file}\.csd: entry 'b': 'b/features' is missing; haemsa data"):
        read(folder, AS_IT_IS)


def test_a_damaged_pivot_is_an_error_that_names_its_entry(folder):
    words(folder, "words")
    damage(folder, "words", "b")
    with pytest.raises(ValueError, match=r"words\.csd: entry 'b': 'b/features' is missing"):
        read(folder, Reading(align="words"))


def test_samples_of_a_damaged_video_are_left_out_where_the_user_asks_for_it(folder):
    stream(folder, "text_glove")
    damage(folder, "text_glove", "b")
    data = read(folder, SKIP)
    assert steps(data) == {
        "a[0]": [10, 11],
        "a[1]": [12],
        "c[0]": [30, 31],
        "c[1]": [32],
        "d[0]": [40, 41],
        "d[1]": [42],
    }
    assert steps(data, "text") == steps(data)
    assert [indices.tolist() for indices in data.splits.values()] == [[0, 1], [2, 3], [4, 5]]
    assert data.tasks["sentiment"].targets.tolist() == [-1, 1, -3, 3, -1, 1]
    (note,) = data.notes
    assert note.startswith("2 damaged samples left out; the first: ")
    assert note.endswith("text_glove.csd: entry 'b': 'b/features' is missing")


def test_damage_that_shows_only_as_features_are_read_leaves_the_video_out_too(folder):
    """Its intervals, sound and longer than all others, made room for it."""
    path = stream(folder, "text_glove")
    with h5py.File(path, "r+") as file:
        del file["text_glove/data/a"]
        file["text_glove/data/a/features"] = np.zeros((9, 7))
        file["text_glove/data/a/intervals"] = seconds(*np.arange(9) / 9)
    data = read(folder, SKIP)
    assert data.ids == ("b[0]", "b[1]", "c[0]", "c[1]", "d[0]", "d[1]")
    assert data.modalities["text"].features.shape == (6, 2, 2)
    assert steps(data, "text") == steps(data)


def test_labels_of_a_damaged_entry_are_left_out(folder):
    damage(folder, "labels", "b")
    data = read(folder, SKIP)
    assert data.ids == ("a[0]", "a[1]", "c[0]", "c[1]", "d[0]", "d[1]")
    assert data.notes[0] == "1 ids of the folds have no label"
    assert data.notes[1].startswith("1 damaged samples left out; the first: ")


def test_a_stream_of_nothing_but_damage_leaves_nothing(folder):
    for video in VIDEOS:
        damage(folder, "audio_covarep", video)
    with pytest.raises(ValueError, match=r"has no features for labels: .*; 8 damaged samples left out; the first"):
        read(folder, SKIP)


def test_a_sample_that_would_pad_all_others_beyond_the_file_is_refused(folder):
    count = 100_000
    with h5py.File(folder / "text.csd", "w") as file:
        group = file.create_group("text/data/a")
        group.create_dataset("features", data=np.zeros((count, 40), np.int8), compression="gzip")
        group.create_dataset("intervals", data=np.tile([0.0, 1.0], (count, 1)), compression="gzip")
    with pytest.raises(ValueError, match=r"text\.csd would become features \[8, 100000, 40\], more than the file can"):
        read(folder, AS_IT_IS)

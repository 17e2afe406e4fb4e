import json
from pathlib import Path

import numpy as np
import pytest
from csd_files import VIDEOS, WORDS, labelled, seconds, steps, stream, words, write_sequence

from model.data.csd_folder import read
from model.data.reading import Reading

AS_IT_IS = Reading()
MOSEI922 = Path(__file__).parents[4] / "shared/data/mosei922"


@pytest.fixture
def folder(tmp_path):
    labelled(tmp_path)
    stream(tmp_path, "audio_covarep")
    return tmp_path


def test_each_label_interval_is_a_sample_with_the_rows_of_its_video_within_it(folder):
    data = read(folder, AS_IT_IS)
    assert data.name == folder.name
    assert data.ids == ("a[0]", "a[1]", "b[0]", "b[1]", "c[0]", "c[1]", "d[0]", "d[1]")
    assert data.groups.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert steps(data) == {
        "a[0]": [10, 11], "a[1]": [12], "b[0]": [20, 21], "b[1]": [22],
        "c[0]": [30, 31], "c[1]": [32], "d[0]": [40, 41], "d[1]": [42],
    }  # fmt: skip
    assert data.modalities["audio"].features.shape == (8, 2, 2)
    assert data.tasks["sentiment"].targets.tolist() == [-1, 1, -2, 2, -3, 3, -1, 1]
    assert data.tasks["sentiment"].bounds == (-3, 3)
    assert {split: indices.tolist() for split, indices in data.splits.items()} == {
        "train": [0, 1, 2, 3], "valid": [4, 5], "test": [6, 7],
    }  # fmt: skip
    assert data.notes == ()


def test_a_video_of_one_label_gives_its_name_to_the_sample_and_segments_keep_theirs(tmp_path):
    one = {"a": ([[1.0]], seconds(0)), "b[0]": ([[1.0]], seconds(0)), "b[7]": ([[2.0]], seconds(1))}
    write_sequence(tmp_path / "labels.csd", {**one, "c": ([[0.5]], seconds(0)), "d": ([[0.5]], seconds(0))})
    stream(tmp_path, "text")
    data = read(tmp_path, AS_IT_IS)
    assert data.ids == ("a", "b[0]", "b[7]", "c", "d")
    assert data.groups.tolist() == [0, 1, 1, 2, 3]
    assert steps(data, "text") == {"a": [10], "b[0]": [20], "b[7]": [21], "c": [30], "d": [40]}


def test_pieces_of_a_video_are_one_whatever_their_order(folder):
    pieces = {"a[1]": ([[1.0], [2]], seconds(0.5, 0)), "a[0]": ([[3.0]], seconds(0.25)), "b": ([[4.0]], seconds(0))}
    write_sequence(folder / "vision.csd", pieces)
    found = steps(read(folder, AS_IT_IS), "vision")
    assert (found["a[0]"], found["a[1]"], found["b[0]"], found["c[0]"]) == ([2, 3, 1], [], [4], [])


def test_labels_of_empty_intervals_are_left_out_and_the_others_keep_their_numbers(folder):
    entries = labelled(folder)
    entries["a"] = ([[1.0], [2.0], [3.0]], [[0, 2], [1, 1], [2, 4]])
    write_sequence(folder / "labels.csd", entries)
    data = read(folder, AS_IT_IS)
    assert data.ids[:3] == ("a[0]", "a[2]", "b[0]")
    assert "1 labels of empty intervals left out" in data.notes


@pytest.mark.parametrize("name", ["cmu_mosi_timestampedwords", "Words"])
def test_streams_are_aligned_to_words_and_then_cut_by_labels(folder, name):
    """In "a": 10 within the first word; 10, 11, 12 within the second, which both labels share; 12 within the last."""
    words(folder)
    data = read(folder, Reading(align=name))
    assert steps(data)["a[0]"] == [10, 11]
    assert steps(data)["a[1]"] == [11, 12]
    assert steps(read(folder, Reading(align=name, collapse="last")))["a[0]"] == [10, 12]
    assert steps(read(folder, Reading(align=name, collapse="none")))["a[0]"] == [10, 10, 11]
    assert "steps are the intervals of CMU_MOSI_TimestampedWords.csd; rows within one: mean" in data.notes


def test_a_pivot_of_numbers_is_a_modality_whose_rows_stay_as_they_are(folder):
    vectors = {video: (np.arange(4.0)[:, None], WORDS[::-1]) for video in VIDEOS}
    write_sequence(folder / "glove_vectors.csd", vectors)
    data = read(folder, Reading(align="glove_vectors"))
    assert steps(data, "text")["a[0]"] == [3, 2]
    assert steps(data, "text")["a[1]"] == [2, 0]
    assert steps(data)["a[1]"] == [11, 12]


@pytest.mark.parametrize(("how", "found"), [("mean", [10.5]), ("last", [11]), ("none", [10, 11])])
def test_streams_are_aligned_to_the_labels_themselves(folder, how, found):
    assert steps(read(folder, Reading(align="labels", collapse=how)))["a[0]"] == found


def test_videos_that_the_pivot_lacks_cannot_be_aligned(folder):
    words(folder, videos="acd")
    data = read(folder, Reading(align="words"))
    assert data.ids == ("a[0]", "a[1]", "c[0]", "c[1]", "d[0]", "d[1]")
    assert "2 samples whose video CMU_MOSI_TimestampedWords.csd lacks left out" in data.notes
    with pytest.raises(ValueError, match=r"has no sequence 'phones' to align to, it has CMU_MOSI_T.*, audio_covarep"):
        read(folder, Reading(align="phones"))


def test_text_is_no_modality(folder):
    words(folder)
    data = read(folder, AS_IT_IS)
    assert list(data.modalities) == ["audio"]
    assert data.notes == ("CMU_MOSI_TimestampedWords.csd: holds text, not features; left out",)


def test_a_modality_is_absent_where_its_stream_lacks_the_video(folder):
    stream(folder, "vision_openface", "acd")
    data = read(folder, AS_IT_IS)
    assert data.modalities["vision"].lengths.tolist() == [2, 1, 0, 0, 2, 1, 2, 1]
    assert "vision: vision_openface.csd lacks 1 of 4 videos" in data.notes
    assert "vision: absent in 2 of 8 samples" in data.notes


def test_a_stream_that_has_nothing_within_a_label_is_left_out(folder):
    write_sequence(folder / "text.csd", {"a": ([[1.0]], seconds(99)), "z": ([[1.0]], seconds(0))})
    assert "text: text.csd has nothing within a label; left out" in read(folder, AS_IT_IS).notes
    write_sequence(folder / "audio_covarep.csd", {})
    with pytest.raises(ValueError, match=r"has no features for labels: text: .* out; audio: audio_covarep\.csd has"):
        read(folder, AS_IT_IS)


def test_the_labels_are_the_only_file_that_is_called_so(folder):
    (folder / "labels.csd").rename(folder / "CMU_MOSI_Opinion_Labels.csd")
    assert read(folder, AS_IT_IS).ids[0] == "a[0]"
    stream(folder, "more_labels")
    with pytest.raises(ValueError, match=r"has CMU_MOSI_O.*, audio_covarep\.csd, more_labels\.csd, expected labels"):
        read(folder, AS_IT_IS)
    (folder / "CMU_MOSI_Opinion_Labels.csd").rename(folder / "labels.csd")
    data = read(folder, AS_IT_IS)
    assert list(data.modalities) == ["audio"]
    assert "more_labels.csd: holds labels too; left out" in data.notes
    words(folder, file="labels")
    with pytest.raises(ValueError, match=r"labels\.csd holds text, expected labels that are numbers"):
        read(folder, AS_IT_IS)
    (folder / "labels.csd").unlink()
    (folder / "more_labels.csd").unlink()
    with pytest.raises(ValueError, match=r"has audio_covarep\.csd, expected labels\.csd, or one name with 'label'"):
        read(folder, AS_IT_IS)


def test_two_streams_of_one_modality_keep_their_names(folder):
    stream(folder, "text_bert")
    stream(folder, "text_minilm")
    assert list(read(folder, AS_IT_IS).modalities) == ["text_bert", "text_minilm", "audio"]


def test_label_columns_are_called_as_the_file_says_and_may_be_missing(folder):
    entries = {video: ([[n, 1.0], [1e300, np.nan]], seconds(0, 1)) for n, video in enumerate(VIDEOS)}
    write_sequence(folder / "labels.csd", entries, metadata={"dimension names": ["valence", "arousal"]})
    data = read(folder, AS_IT_IS)
    assert list(data.tasks) == ["valence", "arousal"]
    assert data.tasks["valence"].targets[::2].tolist() == [0, 1, 2, 3]
    assert not data.tasks["valence"].labelled[1::2].any()
    assert data.notes == ("valence: 4 labels missing", "arousal: 4 labels missing")


def test_videos_without_fold_and_folds_without_videos_are_counted(folder):
    (folder / "folds.json").write_text(json.dumps({"train": ["c", "x"], "valid": ["a", "y"], "test": ["b"]}))
    data = read(folder, AS_IT_IS)
    assert data.ids == ("c[0]", "c[1]", "a[0]", "a[1]", "b[0]", "b[1]")
    assert data.notes == ("2 ids of the folds have no label", "1 videos without a fold left out")


def test_without_folds_splits_are_made_of_whole_videos(folder):
    (folder / "folds.json").unlink()
    data = read(folder, AS_IT_IS)
    assert {len(indices) for indices in data.splits.values()} == {2, 4}
    assert data.notes[0].startswith("no splits were given; made of whole groups: train ")
    assert len(data.notes) == 1


@pytest.mark.skipif(not MOSEI922.exists(), reason="no real data here")
def test_mosei922_is_read_as_it_is_described():
    data = read(MOSEI922, AS_IT_IS)
    assert {name: (m.steps, m.width) for name, m in data.modalities.items()} == {
        "text_bert": (1, 768), "text_minilm": (1, 384), "audio": (1, 40), "vision": (1, 35),
    }  # fmt: skip
    assert [len(indices) for indices in data.splits.values()] == [635, 86, 180]
    assert data.tasks["sentiment"].bounds == (-3, 3)
    assert data.notes == (
        "audio: 647 non-finite cells in 1 columns (7) filled with the training mean",
        "vision: 1 of 35 columns (0) are constant in the training split",
    )

import json

import h5py
import numpy as np
import pytest

from haemsa.model.data.readers.csd.folder import read
from haemsa.model.data.readers.options import Reading
from tests.support.model.csd_files import VIDEOS, WORDS, labelled, seconds, steps, stream, words, write_sequence
from tests.support.places import SHARED_DATA

AS_IT_IS = Reading()
MOSEI922 = SHARED_DATA / "mosei922"


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
    stream(folder, "more_labels")  # of other intervals
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


def test_files_of_labels_that_share_entries_and_intervals_stand_side_by_side(folder):
    entries, emotions = labelled(folder), ["happy", "sad", "anger", "surprise", "disgust", "fear"]
    (folder / "labels.csd").rename(folder / "CMU_MOSEI_LabelsSentiment.csd")
    present = {video: (np.eye(6)[[n, n + 1]], entries[video][1]) for n, video in enumerate(reversed(VIDEOS))}
    path = folder / "CMU_MOSEI_LabelsEmotions.csd"
    for names in (emotions, None):
        write_sequence(path, present, metadata={"dimension names": names})
        data = read(folder, AS_IT_IS)
        assert list(data.tasks) == ["sentiment", "emotion"]
        assert data.tasks["sentiment"].targets.tolist() == [-1, 1, -2, 2, -3, 3, -1, 1]
        assert data.tasks["emotion"].targets.argmax(axis=1).tolist() == [3, 4, 2, 3, 1, 2, 0, 1]
    present["a"] = (np.zeros((1, 6)), [[0, 2]])
    present["b"] = (np.eye(6)[:3], [*present["b"][1], [4, 5]])
    write_sequence(path, present, metadata={"dimension names": emotions})
    data = read(folder, AS_IT_IS)
    assert data.ids == ("b[0]", "b[1]", "c[0]", "c[1]", "d[0]", "d[1]")
    assert "4 labels that are not in all files of labels left out" in data.notes
    present["b"] = (present["b"][0], np.array(present["b"][1]) + 1)
    write_sequence(path, present)
    with pytest.raises(ValueError, match=r"or several whose entries and intervals are the same"):
        read(folder, AS_IT_IS)


def test_labels_of_one_name_in_two_files_are_called_after_their_files(folder):
    entries = labelled(folder)
    (folder / "labels.csd").rename(folder / "label_a.csd")
    write_sequence(
        folder / "label_b.csd", {video: (-np.array(rows), times) for video, (rows, times) in entries.items()}
    )
    data = read(folder, AS_IT_IS)
    assert list(data.tasks) == ["label_a_sentiment", "label_b_sentiment"]
    assert data.tasks["label_b_sentiment"].targets.tolist() == [1, -1, 2, -2, 3, -3, 1, -1]


def test_a_label_that_a_whole_split_lacks_is_left_out_while_another_remains(folder):
    entries = {video: ([[1.0, 2], [np.nan if video == "c" else 1, 2]], seconds(0, 1)) for video in VIDEOS}
    entries["c"][0][0][0] = np.nan
    write_sequence(folder / "labels.csd", entries, metadata={"dimension names": ["calm", "vivid"]})
    data = read(folder, AS_IT_IS)
    assert list(data.tasks) == ["vivid"]
    assert "calm: no label in valid; left out" in data.notes
    write_sequence(
        folder / "labels.csd", {video: (np.array(rows)[:, :1], times) for video, (rows, times) in entries.items()}
    )
    with pytest.raises(ValueError, match=r"^folder '.*': task 'sentiment' has no label in split 'valid'"):
        read(folder, AS_IT_IS)


def test_segments_that_overlap_keep_to_the_entry_of_their_own_name(tmp_path):
    """As the SDK writes what is aligned to labels: "a[0]" and "a[1]" share a second, and rows of both lie in it."""
    segments, audio = {}, {}
    for number, video in enumerate(VIDEOS):
        for segment, start in enumerate((0.0, 1.0)):
            name = f"{video}[{segment}]"
            segments[name] = ([[1.0]], [[start, start + 2]])
            audio[name] = (10.0 * number + 2 * segment + np.arange(2.0)[:, None], seconds(start, start + 1))
    del audio["b[1]"]
    write_sequence(tmp_path / "labels.csd", segments)
    write_sequence(tmp_path / "audio.csd", audio)
    halves = {
        name: ([[1.0]] * 4, seconds(*(times[0][0] + np.arange(4) / 2), long=0.5))
        for name, (_, times) in segments.items()
    }
    write_sequence(tmp_path / "words.csd", halves)
    for reading, often in ((AS_IT_IS, 1), (Reading(align="words"), 2)):
        found = steps(read(tmp_path, reading))
        assert found["a[0]"] == np.repeat([0, 1], often).tolist()
        assert found["a[1]"] == np.repeat([2, 3], often).tolist()
        assert (found["b[0]"], found["b[1]"]) == (np.repeat([10, 11], often).tolist(), [])


def test_rows_without_time_are_left_out_and_counted(folder):
    with h5py.File(folder / "audio_covarep.csd", "r+") as file:
        file["audio_covarep/data/a/intervals"][1] = [2, 1]
    with h5py.File(folder / "labels.csd", "r+") as file:
        file["labels/data/b/intervals"][0] = np.nan
    data = read(folder, AS_IT_IS)
    assert steps(data)["a[0]"] == [10]
    assert data.ids[2:4] == ("b[1]", "c[0]")
    odd = "1 rows end before they start, or have no time; left out"
    assert {f"audio_covarep.csd: {odd}", f"labels.csd: {odd}"} <= set(data.notes)


def test_samples_may_be_cut_to_their_first_steps(folder):
    data = read(folder, Reading(steps=1))
    assert data.modalities["audio"].features.shape == (8, 1, 2)
    assert steps(data)["a[0]"] == [10]
    assert data.notes == ("audio: 4 samples cut to their first 1 steps",)


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
    same = "arousal: all labels of the training split are 1, so there is nothing to learn"
    assert data.notes == ("valence: 4 labels missing", "arousal: 4 labels missing", same)


def test_videos_without_fold_and_folds_without_videos_are_counted(folder):
    (folder / "folds.json").write_text(json.dumps({"train": ["c", "x"], "valid": ["a", "y"], "test": ["b"]}))
    data = read(folder, AS_IT_IS)
    assert data.ids == ("c[0]", "c[1]", "a[0]", "a[1]", "b[0]", "b[1]")
    assert data.notes == ("2 ids of the folds have no label", "1 videos without a fold left out")


def test_without_folds_splits_are_made_of_whole_videos(folder):
    (folder / "folds.json").unlink()
    data = read(folder, AS_IT_IS)
    assert {len(indices) for indices in data.splits.values()} == {2, 4}
    assert data.notes[0].startswith("no splits were given; made of whole groups with seed 0: train ")
    assert len(data.notes) == 1


@pytest.mark.slow
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

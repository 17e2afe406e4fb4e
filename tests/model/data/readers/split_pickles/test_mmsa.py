import pickle

import numpy as np
import pytest

from haemsa.model.data.readers.options import Reading
from haemsa.model.data.sources import load
from tests.support.places import SHARED_DATA

MOSI = SHARED_DATA / "mosi" / "mosi.pkl"


def content(samples=4):
    """Asmall MMSA dictionary."""
    rng, parts = np.random.default_rng(0), {}
    for split in ("train", "valid", "test"):
        text = rng.normal(size=(samples, 3, 2)).astype(np.float16)
        text[1, 2:] = 0
        sentiment = np.array([-1.5, 0.0, 2.0, 3.0], dtype=np.float32)
        parts[split] = {
            "raw_text": ["x"] * samples,
            "id": [f"{split}_vid_{index // 2}$_${index}" for index in range(samples)],
            "text": text,
            "audio": rng.normal(size=(samples, 5)).astype(np.float32),
            "vision": rng.normal(size=(samples, 2, 1)),
            "vision_lengths": [2, np.int64(1), 0, 9],
            "regression_labels": sentiment,
            "classification_labels": np.sign(sentiment) + 1,
            "annotations": ["Negative", "Neutral", "Positive", "Positive"],
        }
    return parts


def saved(tmp_path, value, protocol=4):
    path = tmp_path / "tiny.pkl"
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return str(path)


@pytest.mark.parametrize("protocol", range(6))
def test_an_mmsa_pickle_of_any_protocol_is_read(tmp_path, protocol):
    data, raw = load(saved(tmp_path, content(), protocol)), content()
    assert data.name == "tiny"
    assert {name: (m.steps, m.width) for name, m in data.modalities.items()} == {
        "text": (3, 2), "audio": (1, 5), "vision": (2, 1),
    }  # fmt: skip
    assert [len(indices) for indices in data.splits.values()] == [4, 4, 4]
    assert np.array_equal(data.modalities["text"].features[4:8], raw["valid"]["text"].astype(np.float32))
    assert data.modalities["text"].lengths[:4].tolist() == [3, 2, 3, 3]
    assert data.modalities["vision"].lengths[:4].tolist() == [2, 1, 0, 2]
    assert data.tasks["sentiment"].targets[8:].tolist() == [-1.5, 0, 2, 3]
    assert data.tasks["sentiment"].bounds == (-3.0, 3.0)
    assert data.groups[:4].tolist() == [data.groups[0]] * 2 + [data.groups[2]] * 2
    assert len(np.unique(data.groups)) == 6
    assert data.ids[0] == "train_vid_0$_$0"


def test_classes_that_only_repeat_the_sign_are_left_out_and_others_are_a_task(tmp_path):
    parts = content()
    data = load(saved(tmp_path, parts))
    assert list(data.tasks) == ["sentiment"]
    assert "classification_labels: only the sign of regression_labels; left out" in data.notes
    for part in parts.values():
        part["classification_labels"] = [2, 0, 1, 1]
        part["annotations"] = ["joy", "anger", "fear", "fear"]
    data = load(saved(tmp_path, parts))
    assert data.tasks["class"].labels == ("anger", "fear", "joy")
    assert data.tasks["class"].targets[:4].tolist() == [2, 0, 1, 1]


def test_labels_of_single_modalities_are_tasks_after_that_of_all(tmp_path):
    parts = content()
    for part in parts.values():
        part["regression_labels_V"] = np.array([0.4, 3, -1, np.nan], np.float32)
        part["regression_labels_T"] = [[0.5], [1.0], [-1.0], [0.0]]
        part["regression_labels_M"] = part["regression_labels"] = np.clip(part["regression_labels"], -1, 1)
        part["classification_labels_T"] = np.array([1, 2, 0, 1])
    data = load(saved(tmp_path, parts))
    assert list(data.tasks) == ["sentiment", "sentiment_text", "sentiment_vision"]
    assert {task.bounds for task in data.tasks.values()} == {(-3.0, 3.0)}
    assert data.tasks["sentiment_text"].targets[4:8].tolist() == [0.5, 1, -1, 0]
    assert "sentiment_vision: 3 labels missing" in data.notes
    assert "regression_labels_M: the labels of all modalities, as regression_labels are; left out" in data.notes
    assert "classification_labels_T: classes of single modalities; left out" in data.notes
    for part in parts.values():
        del part["regression_labels"]
    assert next(iter(load(saved(tmp_path, parts)).tasks)) == "sentiment"


def test_unaligned_streams_keep_their_own_steps_and_lengths(tmp_path):
    parts = content()
    for split, steps in (("train", 9), ("valid", 7), ("test", 5)):
        parts[split]["audio"] = np.ones((4, steps, 2), np.float32) * np.arange(1, 5)[:, None, None]
        parts[split]["audio_lengths"] = [1, 2, 3, 5]
    data = load(saved(tmp_path, parts))
    assert {name: m.steps for name, m in data.modalities.items()} == {"text": 3, "audio": 9, "vision": 2}
    assert data.modalities["audio"].lengths.tolist() == [1, 2, 3, 5] * 3


@pytest.mark.parametrize("value", ["a", 10**400, np.inf, [1.0, 2.0]])
def test_a_sample_without_a_number_for_a_label_is_left_out_where_that_is_asked_for(tmp_path, value):
    parts = content()
    parts["valid"]["regression_labels"] = [0.5, value, 1.0, None]
    data = load(saved(tmp_path, parts), reading=Reading(skip_damaged=True))
    assert data.ids[4:7] == ("valid_vid_0$_$0", "valid_vid_1$_$2", "valid_vid_1$_$3")
    assert data.tasks["sentiment"].targets[4:6].tolist() == [0.5, 1]
    assert "sentiment: 1 labels missing" in data.notes
    assert any(note.startswith("1 damaged samples left out; the first: valid sample 1") for note in data.notes)


def test_missing_labels_are_masked_and_counted(tmp_path):
    parts = content()
    parts["valid"]["regression_labels"][2] = np.nan
    parts["test"]["regression_labels"] = [1.0, None, 2.0, np.float32(0.5)]
    data = load(saved(tmp_path, parts))
    assert "sentiment: 2 labels missing" in data.notes
    assert np.flatnonzero(~data.tasks["sentiment"].labelled).tolist() == [6, 9]


def test_features_that_are_not_finite_are_counted_and_filled_and_token_numbers_left_out(tmp_path):
    parts = content()
    parts["train"]["audio"][0, 0] = -np.inf
    for part in parts.values():
        part["text_bert"] = np.ones((4, 3, 7), dtype=np.float32)
        part["topics"] = np.ones((4, 3), dtype=np.int64)
    data = load(saved(tmp_path, parts))
    assert set(data.modalities) == {"text", "audio", "vision"}
    assert any(note.startswith("text_bert: holds token numbers") for note in data.notes)
    assert "topics: int64 [4, 3] in train is no array of features; left out" in data.notes
    assert "audio: 1 non-finite cells in 1 columns (0) filled with the training mean" in data.notes
    assert "vision: 3 lengths" not in data.notes
    assert "vision: 1 lengths in train cut to 2 steps" in data.notes


def test_labels_and_other_arrays_are_no_features_and_that_is_noted(tmp_path):
    parts = content()
    for part in parts.values():
        part["Emotion_labels"] = part["label"] = part["text_sentiment"] = np.ones((4, 3, 2))
        part["weights"] = np.ones((4, 2))
        part["distances"] = np.ones((5, 5, 3))
        part["depth"], part["language2"] = np.random.default_rng(1).normal(size=(2, 4, 3, 2))
        part["depth_lengths"], part["nothing_lengths"] = [1, 2, 3, 3], [1] * 4
    data = load(saved(tmp_path, parts))
    assert set(data.modalities) == {"text", "audio", "vision", "depth", "language2"}
    assert data.modalities["depth"].lengths[:4].tolist() == [1, 2, 3, 3]
    for key in ("Emotion_labels", "label", "text_sentiment"):
        assert f"{key}: called like labels, but none that are read; left out" in data.notes
    assert "weights: float64 [4, 2] in train is no array of features; left out" in data.notes
    assert "distances: float64 [5, 5, 3] in train is no array of features; left out" in data.notes
    assert "nothing_lengths: a list of 4 in train is no array of features; left out" in data.notes


def test_steps_that_are_padded_in_front_move_to_the_front(tmp_path):
    parts = content()
    for part in parts.values():
        part["audio"] = np.zeros((4, 5, 1))
        for sample, length in enumerate((1, 2, 3, 5)):
            part["audio"][sample, 5 - length :, 0] = np.arange(1, length + 1)
    given = [part | {"audio_lengths": [1, 2, 3, 5]} for part in parts.values()]
    for changed in (parts, dict(zip(parts, given, strict=True))):
        data = load(saved(tmp_path, changed))
        assert data.modalities["audio"].lengths.tolist() == [1, 2, 3, 5] * 3
        assert data.modalities["audio"].features[1, :, 0].tolist() == [1, 2, 0, 0, 0]
        assert "valid audio: 3 samples padded in front; their steps moved to the front" in data.notes


def test_values_beyond_a_given_length_are_counted(tmp_path):
    notes = load(saved(tmp_path, content())).notes
    assert "test vision: 2 samples have values beyond their given lengths; left out" in notes


def test_samples_are_cut_to_their_first_steps_after_padding_is_gone(tmp_path):
    parts = content()
    for part in parts.values():
        part["audio"] = np.zeros((4, 5, 1))
        part["audio"][:, 1:, 0] = [4, 3, 2, 1]
    data = load(saved(tmp_path, parts), reading=Reading(steps=2))
    assert {name: m.steps for name, m in data.modalities.items()} == {"text": 2, "audio": 2, "vision": 2}
    assert data.modalities["audio"].features[0, :, 0].tolist() == [4, 3]
    assert "audio: 12 samples cut to their first 2 steps" in data.notes
    assert data.modalities["text"].lengths[:4].tolist() == [2, 2, 2, 2]


def test_berts_mask_tells_the_lengths_of_text_without(tmp_path):
    parts = content()
    for part in parts.values():
        part["text_bert"] = np.ones((4, 3, 3))
        part["text_bert"][0, 1] = [1, 0, 0]
    data = load(saved(tmp_path, parts))
    assert data.modalities["text"].lengths[:4].tolist() == [1, 3, 3, 3]
    assert "text: lengths in valid are those of the mask in text_bert" in data.notes
    for part in parts.values():
        part["text_lengths"] = [2, 2, 2, 2]
    assert load(saved(tmp_path, parts)).modalities["text"].lengths[:4].tolist() == [2, 2, 2, 2]
    for part in parts.values():
        del part["text_lengths"]
        part["text_bert"][2, 1] = 7
    assert load(saved(tmp_path, parts)).modalities["text"].lengths[:4].tolist() == [3, 2, 3, 3]


def test_samples_that_are_left_out_fill_nothing(tmp_path):
    parts = content()
    parts["train"]["audio"] = np.array([[1.0, 0], [1000, 0], [3, 0], [np.nan, 1]])
    for split in ("valid", "test"):
        parts[split]["audio"] = np.ones((4, 2))
    parts["train"]["regression_labels"] = [0.5, "gone", 1.0, 2.0]
    data = load(saved(tmp_path, parts), reading=Reading(skip_damaged=True))
    assert data.modalities["audio"].features[:3, 0, 0].tolist() == [1, 3, 2]
    parts["train"]["regression_labels"] = ["gone"] * 4
    with pytest.raises(ValueError, match="each sample of split 'train' is damaged, expected at least one to be left"):
        load(saved(tmp_path, parts), reading=Reading(skip_damaged=True))


def test_a_task_without_labels_in_a_split_is_left_out_while_another_remains(tmp_path):
    parts = content()
    for part in parts.values():
        part["regression_labels_T"] = part["regression_labels_A"] = part["regression_labels"]
    parts["valid"]["regression_labels_T"] = [None] * 4
    del parts["test"]["regression_labels_A"]
    data = load(saved(tmp_path, parts))
    assert list(data.tasks) == ["sentiment"]
    assert "sentiment_text: no label in valid; left out" in data.notes
    assert "sentiment_audio: no label in test; left out" in data.notes


def test_test_labels_choose_no_bounds(tmp_path):
    parts = content()
    parts["train"]["regression_labels"] = parts["valid"]["regression_labels"] = [-0.5, 0, 1, 0.2]
    assert load(saved(tmp_path, parts)).tasks["sentiment"].bounds is None
    parts["test"]["regression_labels"] = [-0.5, 0, 1, 0.2]
    assert load(saved(tmp_path, parts)).tasks["sentiment"].bounds == (-1, 1)


def test_test_labels_do_not_tell_that_classes_are_signs(tmp_path):
    parts = content()
    parts["test"]["classification_labels"] = [2, 2, 0, 1]
    assert list(load(saved(tmp_path, parts)).tasks) == ["sentiment"]


def test_train_and_test_get_a_validation_split_of_whole_training_groups(tmp_path):
    parts = content(40)
    for part in parts.values():
        part |= {"regression_labels": np.linspace(-2, 2, 40), "vision_lengths": [2] * 40}
        del part["classification_labels"], part["annotations"], part["raw_text"]
    del parts["valid"]
    data = load(saved(tmp_path, parts))
    assert {split: len(indices) for split, indices in data.splits.items()} == {"train": 36, "valid": 4, "test": 40}
    assert not set(data.groups[data.split("train")]) & set(data.groups[data.split("valid")])
    note = "no validation split was given; made of whole groups of training: train 36, valid 4, test 40"
    assert note in data.notes


def test_a_modality_missing_from_a_split_is_absent_there(tmp_path):
    parts = content()
    del parts["test"]["audio"]
    data = load(saved(tmp_path, parts))
    assert data.modalities["audio"].presence.tolist() == [True] * 8 + [False] * 4
    parts = content()
    del parts["train"]["audio"]
    data = load(saved(tmp_path, parts))
    assert set(data.modalities) == {"text", "vision"}
    assert "audio: dropped, absent or non-finite in the whole training split" in data.notes


def test_groups_that_lie_in_two_splits_are_noted(tmp_path):
    parts = content()
    parts["test"]["id"] = parts["train"]["id"]
    assert "2 groups (videos) lie in more than one split: scores may flatter" in load(saved(tmp_path, parts)).notes


def changed(split, **changes):
    parts = content()
    for key, value in changes.items():
        if value is None:
            del parts[split][key]
        else:
            parts[split][key] = value
    return parts


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1, 2], "it holds a list of 2, expected train, valid and test with"),
        ({"train": {}, "valid": {}}, "it holds a dictionary of train, valid, expected train, valid and test with"),
        (content() | {"valid": [1]}, "there is no dictionary 'valid' but train, valid, test"),
        (changed("valid", regression_labels=np.zeros(0, np.float32)), "split 'valid' is empty"),
        (changed("valid", regression_labels=np.zeros((4, 2))), r"'regression_labels' has the shapes \[\] and \[2\]"),
        (changed("valid", regression_labels=None, classification_labels=None), "split 'valid' has no list"),
        (changed("valid", regression_labels=None), "task 'sentiment' has no label in split 'valid'"),
        (
            changed("valid", regression_labels=["a"] * 4),
            "valid sample 0: 'regression_labels' is 'a', expected a number",
        ),
        (changed("valid", regression_labels=[np.nan] * 4), "task 'sentiment' has no label in split 'valid'"),
        (changed("train", text=np.zeros((3, 3, 2), np.float32)), r"train 'text' is float32 \[3, 3, 2\]"),
        (changed("train", text=np.zeros((4, 3, 9), np.float32)), r"\[4, 3, 2\], expected numbers \[4, T, 9\]"),
        (changed("train", text=np.zeros(4, np.float32)), r"train 'text' is float32 \[4\], expected floating-point"),
        (changed("train", text=np.zeros((4, 0, 2), np.float32)), r"train 'text' is float32 \[4, 0, 2\], expected"),
        (changed("train", text=["hello"] * 4), "train 'text' is a list of 4, expected floating-point numbers"),
        (changed("train", vision_lengths=[1, 2]), r"train 'vision_lengths' is a list of 2, expected \[4\]"),
        (changed("train", vision_lengths=[-1, 2, 2, 2]), "train 'vision_lengths'"),
        (changed("train", vision_lengths=["x"] * 4), "train 'vision_lengths' holds something other than whole numbers"),
        (changed("test", id=["a"]), "test 'id' is not a list of 4 names"),
        (changed("test", id=[["a"]] * 4), "test 'id' is not a list of 4 names"),
        (changed("test", regression_labels=[10**400] * 4), "test sample 0: 'regression_labels' is a value of type int"),
        (changed("test", id=7), "test 'id' is not a list of 4 names"),
    ],
)
def test_a_wrong_layout_gets_one_sentence(tmp_path, value, message):
    with pytest.raises(ValueError, match=message):
        load(saved(tmp_path, value))


@pytest.mark.skipif(not MOSI.exists(), reason="the real data are not at hand")
def test_the_real_mosi_is_read():
    data = load(str(MOSI))
    assert [len(indices) for indices in data.splits.values()] == [1284, 229, 686]
    assert {name: (m.steps, m.width) for name, m in data.modalities.items()} == {"text": (40, 384), "audio": (1, 73)}
    assert list(data.tasks) == ["sentiment"]
    assert len(np.unique(data.groups)) == 93
    assert data.modalities["text"].lengths[:2].tolist() == [8, 6]
    assert not any("more than one split" in note for note in data.notes)

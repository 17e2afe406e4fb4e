"""New samples of every other layout, without labels: arrays, pickles, folders of .csd files, stores."""

import pickle

import numpy as np
import pytest

from haemsa.model.data.builtin.planted import planted
from haemsa.model.data.readers.options import Reading
from haemsa.model.data.store.file import write
from haemsa.model.predictor.new_samples.read import read_samples
from haemsa.model.schema import Schema
from tests.support.model.csd_files import labelled, seconds, steps, stream, write_sequence

MODEL = Schema({"text": (3, 2), "audio": (2, 1), "vision": (1, 1)}, {})


def read(path, model=MODEL, reading=None):
    """New samples and their only block."""
    new = read_samples(str(path), model, reading or Reading())
    (block,) = new.blocks()
    return new, block


def lengths(block):
    return {name: modality.lengths.tolist() for name, modality in block.modalities.items()}


def features(count, length, width, seed=0):
    return np.random.default_rng(seed).normal(size=(count, length, width)) + 5


# Arrays


def test_arrays_called_as_the_modalities_need_no_description(tmp_path):
    np.savez(tmp_path / "new.npz", text=features(2, 3, 2), other=np.zeros((5, 1)), id=np.array(["x", "y"]))
    new, block = read(tmp_path / "new.npz")
    assert (block.ids, lengths(block), new.has_splits) == (("x", "y"), {"text": [3, 3]}, False)


def test_described_arrays_need_only_one_split_and_no_labels(tmp_path):
    np.savez(tmp_path / "a.npz", t_test=features(2, 3, 2), a_test=features(2, 4, 1))
    yaml = "source: a.npz\nmodalities: {text: 't_{split}', audio: 'a_{split}', vision: 'v_{split}'}\n"
    (tmp_path / "a.yaml").write_text(yaml + "tasks: {score: 'y_{split}'}\n")
    new, block = read(tmp_path / "a.yaml")
    assert (block.ids, block.split_of) == (("test-0", "test-1"), ("test", "test"))
    assert lengths(block) == {"text": [3, 3], "audio": [4, 4]}
    assert new.notes == (
        "audio: 2 samples cut to their first 2 steps, the most that the model knows",
        "vision: absent in all samples; the model predicts without it",
    )


def test_arrays_of_another_width_are_refused(tmp_path):
    np.savez(tmp_path / "new.npz", text=features(2, 3, 4))
    with pytest.raises(ValueError, match="modality 'text' has 4 features, the model was trained on 2"):
        read(tmp_path / "new.npz")


def test_arrays_without_any_modality_are_refused(tmp_path):
    np.savez(tmp_path / "new.npz", other=features(2, 3, 4))
    with pytest.raises(ValueError, match=r"new\.npz has no array 'text' or 'audio' or 'vision', it has other"):
        read(tmp_path / "new.npz")


# Pickles


def saved(tmp_path, value, name="new.pkl"):
    (tmp_path / name).write_bytes(pickle.dumps(value, protocol=5))
    return tmp_path / name


def test_a_single_sample_of_mmsa_fet_is_one_sample_called_as_its_file(tmp_path):
    one = {"audio": features(1, 4, 1)[0], "text": features(1, 2, 2)[0].astype(np.float32)}
    one["text_bert"] = np.ones((2, 3), np.int64)
    new, block = read(saved(tmp_path, one, "clip_7.pkl"))
    assert (block.ids, lengths(block)) == (("clip_7",), {"text": [2], "audio": [4]})
    assert np.allclose(block.modalities["text"].features[0], one["text"])
    assert "vision: absent in all samples; the model predicts without it" in new.notes


def test_a_single_sample_may_have_an_id_lengths_and_labels(tmp_path):
    one = {"id": "v$_$1", "raw_text": "so", "regression_labels": 9.5, "vision": features(1, 1, 1)[0]}
    one |= {"audio": np.concatenate([features(1, 2, 1)[0], np.zeros((2, 1))]), "audio_lengths": 2}
    new, block = read(saved(tmp_path, one))
    assert (block.ids, lengths(block)) == (("v$_$1",), {"audio": [2], "vision": [1]})
    assert not any("label" in note for note in new.notes)


def test_several_samples_without_splits_are_read(tmp_path):
    several = {"id": ["a", "b"], "text": features(2, 3, 2), "audio": features(2, 2, 1), "audio_lengths": [1, 2]}
    new, block = read(saved(tmp_path, several))
    assert (block.ids, block.split_of, new.has_splits) == (("a", "b"), None, False)
    assert lengths(block) == {"text": [3, 3], "audio": [1, 2]}


def test_splits_without_labels_are_read_and_one_of_them_is_enough(tmp_path):
    part = {"id": ["a", "b"], "text": features(2, 3, 2), "regression_labels": None}
    new, block = read(saved(tmp_path, {"test": part, "dev": {**part, "id": ["c", "d"]}}))
    assert (block.ids, block.split_of) == (("a", "b", "c", "d"), ("test", "test", "valid", "valid"))
    assert len(next(new.blocks("valid"))) == 2


def test_segments_of_misa_need_no_labels_and_no_other_files(tmp_path):
    segments = [((np.arange(n), features(1, n, 1)[0], features(1, n, 1)[0]), None, f"v[{n}]") for n in (1, 2)]
    _, block = read(saved(tmp_path, segments))
    assert (block.ids, lengths(block)) == (("v[1]", "v[2]"), {"audio": [1, 2], "vision": [1, 2]})


@pytest.mark.parametrize("labels", [{}, {"d1": [None, None]}, {"d1": [99, -5]}])
def test_dialogues_need_no_labels(tmp_path, labels):
    text = {"d1": list(features(2, 1, 2)[:, 0])}
    empty = {"d1": [None, None]}
    places = ({"d1": ["u1", "u2"]}, {"d1": ["M", "F"]}, labels, text, empty, empty, {"d1": ["so", "what"]}, [], ["d1"])
    new, block = read(saved(tmp_path, places))
    assert (block.ids, block.split_of) == (("u1", "u2"), ("test", "test"))
    assert "audio: absent in all samples; the model predicts without it" in new.notes
    assert np.allclose(block.modalities["text"].features[:, 0], text["d1"])


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([1, 2], "it holds a list of 2, expected features such as text, audio and vision"),
        ({"train": {"id": ["a"]}}, "there are no features, expected arrays such as text, audio, vision"),
        ({"id": ["a", "b"], "text": np.ones((3, 2, 2))}, r"expected numbers \[2, T, 2\]"),
        ({"id": [{}, {}], "text": np.ones((2, 2, 2))}, "'id' is a list of 2, expected 2 names, one per sample"),
        ({"pitch": np.ones((3, 2, 2))}, "data 'new' has none of the model's modalities text, audio, vision"),
        ({"text": np.ones((3, 2), np.int64)}, r"'text' is int64 \[3, 2\], expected floating-point numbers"),
    ],
)
def test_pickles_of_anything_else_get_one_sentence(tmp_path, value, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        read(saved(tmp_path, value))
    assert "\n" not in str(caught.value)


# Folders of .csd files


def test_a_folder_without_labels_has_a_sample_for_each_entry(tmp_path):
    stream(tmp_path, "audio_covarep", videos=("a", "b"))
    stream(tmp_path, "text_bert", videos=("b", "c"))
    new, block = read(tmp_path, Schema({"audio": (3, 2), "text": (3, 2)}, {}))
    assert block.ids == ("a", "b", "c")
    assert steps(block) == {"a": [10, 11, 12], "b": [20, 21, 22], "c": []}
    assert steps(block, "text") == {"a": [], "b": [20, 21, 22], "c": [30, 31, 32]}
    assert "there are no labels: each entry is a sample" in new.notes


def test_a_video_that_a_stream_cuts_has_its_segments_as_samples(tmp_path):
    rows = {"a[0]": ([[1.0, 1], [2, 2]], seconds(0, 1)), "a[1]": ([[3.0, 3]], seconds(2))}
    write_sequence(tmp_path / "text.csd", rows)
    stream(tmp_path, "audio", videos=("a",))
    _, block = read(tmp_path, Schema({"audio": (3, 2), "text": (3, 2)}, {}))
    assert steps(block) == {"a[0]": [10, 11], "a[1]": [12]}
    assert steps(block, "text") == {"a[0]": [1, 2], "a[1]": [3]}


def test_a_folder_with_labels_has_the_samples_and_splits_of_training(tmp_path):
    labelled(tmp_path)
    stream(tmp_path, "audio")
    new, block = read(tmp_path, Schema({"audio": (3, 2)}, {}))
    assert steps(block)["a[0]"] == [10, 11]
    assert block.split_of == ("train", "train", "train", "train", "valid", "valid", "test", "test")
    assert new.notes == ()


def test_a_stream_that_is_now_the_only_one_of_its_kind_is_still_found_by_its_name(tmp_path):
    stream(tmp_path, "text_bert", videos=("a",))
    _, block = read(tmp_path, Schema({"text_bert": (3, 2), "text_glove": (3, 2)}, {}))
    assert list(block.modalities) == ["text_bert"]


def test_rows_are_aligned_as_in_training(tmp_path):
    stream(tmp_path, "audio", videos=("a",))
    write_sequence(tmp_path / "words.csd", {"a": ([[b"so"], [b"what"]], [[0, 2], [2, 3]])})
    _, block = read(tmp_path, Schema({"audio": (3, 2)}, {}), Reading(align="words"))
    assert steps(block) == {"a": [10.5, 12]}


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"is a folder without \.csd files"):
        read(tmp_path)


# Stores and data that comes with haemsa


def test_a_store_is_not_read_into_memory(tmp_path):
    from haemsa.model.data.streamed import StoredFeatures

    data = planted(sizes=(20, 10, 10))
    write(data, tmp_path / "p.h5")
    _, block = read(tmp_path / "p.h5", Schema.of(data))
    assert block.ids == data.ids
    assert block.split_of.count("test") == 10
    assert isinstance(block.modalities["text"].features, StoredFeatures)
    assert np.array_equal(block.modalities["text"].features[:], data.modalities["text"].features)


def test_options_that_do_not_concern_the_data_are_refused(tmp_path):
    with pytest.raises(ValueError, match="--align is given, but does not concern a pickle"):
        read(saved(tmp_path, {}), reading=Reading(align="words"))


def test_data_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.csv' does not exist"):
        read(tmp_path / "nothing.csv")
    (tmp_path / "new.txt").touch()
    with pytest.raises(ValueError, match=r"has an unknown form, expected \.yaml, \.csv"):
        read(tmp_path / "new.txt")

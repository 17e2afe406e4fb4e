import dataclasses
import pickle
import shutil

import h5py
import numpy as np
import pytest

from haemsa.model.data.dataset import Dataset, Modality
from haemsa.model.data.normalisation import Normalisation
from haemsa.model.data.store.file import read, write
from haemsa.model.data.streamed import StoredFeatures
from tests.support.model.stores import small

F32 = np.float32


@pytest.fixture
def path(tmp_path):
    write(small(), tmp_path / "small.h5")
    return tmp_path / "small.h5"


def test_what_was_written_is_read_exactly(path):
    data, again = small(), read(path)
    assert again.fingerprint == data.fingerprint
    assert (again.name, again.ids, again.notes) == (data.name, data.ids, data.notes)
    assert list(again.modalities) == ["text", "audio"]
    assert list(again.tasks) == ["mood", "kind", "tags"]
    assert list(again.splits) == ["train", "valid", "test"]
    assert again.tasks["mood"].bounds == (-3.0, 3.0)
    assert again.tasks["kind"].labels == ("été", "b/c")
    assert again.tasks["tags"].bounds is None
    assert [entry.name for entry in path.parent.iterdir()] == ["small.h5"]


def test_a_pool_without_a_test_split_and_notes_can_be_kept(tmp_path):
    pool = small().pool()
    write(pool, tmp_path / "pool.h5")
    assert read(tmp_path / "pool.h5").fingerprint == pool.fingerprint


def test_half_precision_takes_half_the_space_and_refuses_what_it_cannot_hold(tmp_path):
    data = small()
    write(data, tmp_path / "half.h5", half=True)
    found = read(tmp_path / "half.h5").modalities["text"].features
    assert found.dtype == F32
    assert np.array_equal(found, data.modalities["text"].features.astype(np.float16).astype(F32))
    with h5py.File(tmp_path / "half.h5") as file:
        assert file["modalities/text/values"].dtype == np.float16
    large = {"text": Modality(np.full((5, 1, 1), 7e4, F32), np.ones(5, np.int64))}
    with pytest.raises(ValueError, match=r"modality 'text' has a feature of 70000, more than float16 can hold"):
        write(dataclasses.replace(data, modalities=large), tmp_path / "large.h5", half=True)
    assert not (tmp_path / "large.h5").exists()


@pytest.mark.parametrize("half", [False, True])
def test_what_is_streamed_is_what_would_be_in_memory(tmp_path, half):
    write(small(), tmp_path / "small.h5", half=half)
    memory, streamed = read(tmp_path / "small.h5"), read(tmp_path / "small.h5", stream=True)
    assert isinstance(streamed.modalities["text"].features, StoredFeatures)
    assert streamed.fingerprint == memory.fingerprint
    normalisation = Normalisation.fit(memory)
    assert_same(Normalisation.fit(streamed).to_arrays(), normalisation.to_arrays())
    for change in (lambda data: data, Dataset.pool, lambda data: normalisation.apply(data.take(np.array([3, 1, 2])))):
        one, other = change(memory), pickle.loads(pickle.dumps(change(streamed)))
        assert one.fingerprint == other.fingerprint
        for name in memory.modalities:
            assert np.array_equal(one.modalities[name].moments, other.modalities[name].moments)
            features = other.modalities[name].features
            assert np.array_equal(features.read(np.array([2, 0]), 1), one.modalities[name].features[[2, 0], :1])


def assert_same(one, other):
    assert list(one) == list(other)
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_features_are_streamed_where_they_would_fill_the_memory(path, monkeypatch):
    assert isinstance(read(path).modalities["text"].features, np.ndarray)
    monkeypatch.setattr("haemsa.model.data.store.content._memory", lambda: 8)
    assert isinstance(read(path).modalities["text"].features, StoredFeatures)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.h5' does not exist"):
        read(tmp_path / "nowhere.h5")


def test_what_was_there_stays_if_writing_fails(path, tmp_path):
    before = path.read_bytes()
    shutil.copy(path, tmp_path / "copy.h5")
    broken = small()
    object.__setattr__(broken, "groups", np.array([object()], dtype=object))
    with pytest.raises(TypeError):
        write(broken, path)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*.part"))


def with_text(features, lengths=(3, 2, 0, 3, 3)):
    return dataclasses.replace(
        small(), modalities={**small().modalities, "text": Modality(features, np.array(lengths))}
    )


@pytest.mark.parametrize("stream", [False, True])
def test_a_modality_that_never_changes_in_training_is_left_out_with_one_note(tmp_path, stream):
    still = np.zeros((5, 3, 2), F32)
    still[0], still[4] = 0.5, 0.5
    write(with_text(still, (3, 0, 0, 0, 3)), tmp_path / "still.h5")
    found = read(tmp_path / "still.h5", stream=stream)
    assert list(found.modalities) == ["audio"]
    assert [note for note in found.notes if "text" in note] == [
        "text: dropped, entirely constant or non-finite in the training split"
    ]
    write(found, tmp_path / "again.h5")
    assert read(tmp_path / "again.h5", stream=stream).notes == found.notes


def test_columns_that_half_precision_cannot_tell_apart_are_refused(tmp_path):
    features = np.random.default_rng(0).normal(size=(5, 3, 2)).astype(F32)
    features[:, :, 1] = 5000 + 0.1 * features[:, :, 1]
    with pytest.raises(ValueError, match=r"modality 'text' varies too little for float16 in 1 columns, as in 1"):
        write(with_text(features, (3, 3, 3, 3, 3)), tmp_path / "odd.h5", half=True)


def test_a_streamed_file_that_was_replaced_is_refused(path):
    streamed = read(path, stream=True)
    changed = small().modalities["text"].features * 2
    write(with_text(changed), path)
    with pytest.raises(ValueError, match=r"small\.h5 has changed since it was read"):
        streamed.modalities["text"].features[np.array([0])]


def test_streamed_features_are_zero_where_a_sample_ends_or_is_hidden_and_nothing_can_be_asked_for(path):
    streamed = read(path, stream=True)
    assert streamed.modalities["text"].features[np.zeros(0, np.int64)].shape == (0, 3, 2)
    hidden = streamed.hiding(["text"], np.array([[True], [False], [True], [True], [True]])).modalities["text"]
    assert not hidden.features[np.array([1])].any()
    assert not hidden.moments[0][1].any()
    assert hidden.features[np.array([0])].any()


def test_the_memory_of_a_control_group_counts(path, tmp_path, monkeypatch):
    monkeypatch.setattr("haemsa.model.data.store.content._CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("max\n")
    assert isinstance(read(path).modalities["text"].features, np.ndarray)
    (tmp_path / "memory.max").write_text("100\n")
    assert isinstance(read(path).modalities["text"].features, StoredFeatures)


def test_what_made_a_stream_stays_with_it(tmp_path):
    facts = {"text": {"model": "bert", "layers": 1, "versions": {"torch": "2"}}}
    data = dataclasses.replace(small(), encoders=facts)
    write(data, tmp_path / "made.h5")
    assert read(tmp_path / "made.h5").encoders == facts
    assert data.part("train").encoders == facts
    with h5py.File(tmp_path / "made.h5", "r+") as file:
        file["modalities/text"].attrs["encoder"] = "[1]"
    with pytest.raises(ValueError, match=r"made.h5 cannot be read: the encoder of 'text' is '\[1\]', expected what"):
        read(tmp_path / "made.h5")


def test_transcripts_stay_with_their_samples(tmp_path):
    data = small()
    texts = tuple(f"words of {name}, \u4f60" for name in data.ids)
    told = dataclasses.replace(data, transcripts=texts)
    write(told, tmp_path / "told.h5")
    found = read(tmp_path / "told.h5")
    assert found.transcripts == texts
    assert found.fingerprint == data.fingerprint
    assert found.take(np.array([3, 1])).transcripts == (texts[3], texts[1])
    write(data, tmp_path / "silent.h5")
    assert read(tmp_path / "silent.h5").transcripts == read(tmp_path / "silent.h5").part("train").transcripts == ()
    with pytest.raises(ValueError, match=r"^there are 1 transcripts for 5 ids$"):
        dataclasses.replace(data, transcripts=("one",))


def test_a_disk_without_room_is_found_before_anything_is_written(path, tmp_path, monkeypatch):
    data, needed = read(path, stream=False), path.stat().st_size
    used = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: used._replace(free=needed // 2))
    with pytest.raises(OSError, match=r"No space left on device: '.*copy.h5'$"):
        write(data, tmp_path / "copy.h5")
    assert not list(tmp_path.glob("copy*"))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: used._replace(free=2 * needed + 2**17))
    write(data, tmp_path / "copy.h5")

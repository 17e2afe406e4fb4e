"""Features are kept without padding. A store of the first layout, which has padding, reads the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from haemsa.model.data.dataset import Dataset, Modality
from haemsa.model.data.normalisation import Normalisation
from haemsa.model.data.sources import import_data
from haemsa.model.data.store.file import read, read_samples, write
from haemsa.model.data.streamed import StoredFeatures
from tests.support.model.stores import small, to_first_layout

ORDER = np.array([3, 1, 2, 0, 4, 3])


@pytest.fixture(params=["values", "padded"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A store of small data, in each layout."""
    write(small(), tmp_path / "small.h5")
    if request.param == "padded":
        to_first_layout(tmp_path / "small.h5")
    return tmp_path / "small.h5"


def text_of(data: Dataset) -> np.ndarray[Any, np.dtype[np.float32]]:
    return data.modalities["text"].features[:]


def stored(path: Path, name: str = "text") -> StoredFeatures:
    features = read(path, stream=True).modalities[name].features
    assert isinstance(features, StoredFeatures)
    return features


def test_steps_of_samples_follow_each_other_without_padding(tmp_path: Path) -> None:
    write(small(), tmp_path / "small.h5")
    text = text_of(small())
    with h5py.File(tmp_path / "small.h5") as file:
        group = file["modalities/text"]
        assert np.array_equal(group["values"][()], np.concatenate([text[0], text[1, :2], text[3], text[4]]))
        assert group["lengths"][()].tolist() == [3, 2, 0, 3, 3]
        assert group.attrs["steps"] == 3


@pytest.mark.parametrize("stream", [False, True])
def test_either_layout_reads_as_what_was_written(store: Path, stream: bool) -> None:
    found, expected = read(store, stream=stream), small()
    assert found.fingerprint == expected.fingerprint
    normalised = Normalisation.fit(expected).apply(expected).modalities
    for name, modality in Normalisation.fit(found).apply(found).modalities.items():
        assert np.array_equal(modality.features[:], normalised[name].features[:])
        assert np.array_equal(modality.moments, normalised[name].moments)


def test_samples_are_read_in_any_order_and_as_often_as_they_are_asked_for(store: Path) -> None:
    text = text_of(small())
    for steps in (1, 2, 3):
        assert np.array_equal(stored(store).read(ORDER, steps), text[ORDER, :steps])
    hidden = read(store, stream=True).hiding(["text"], np.array([[True], [True], [True], [False], [True]]))
    assert np.array_equal(hidden.modalities["text"].features[ORDER], np.where(ORDER == 3, 0, text[ORDER].T).T)
    for absent in ([], [2], [2, 2]):
        assert not stored(store).read(np.array(absent, np.int64), 2).any()


def test_moments_that_are_known_are_not_read_again_for_some_samples(store: Path) -> None:
    whole, fresh = (read(store, stream=True).modalities["text"] for _ in range(2))
    expected = fresh.take(ORDER).moments
    _ = whole.moments
    store.unlink()
    assert np.array_equal(whole.take(ORDER).moments, expected)


def test_only_some_columns_can_be_read(store: Path) -> None:
    text = text_of(small())
    assert np.array_equal(stored(store).in_columns(np.array([1])).read(ORDER), text[ORDER][:, :, [1]])


def test_features_without_labels_are_read_from_either_layout(store: Path) -> None:
    found = read_samples(store).take(ORDER[:3])
    assert np.array_equal(found.modalities["text"].features[:], text_of(small())[ORDER[:3]])


@pytest.mark.parametrize("half", [False, True])
def test_importing_a_store_of_the_first_layout_makes_one_of_the_present_layout(tmp_path: Path, half: bool) -> None:
    old, new, expected = tmp_path / "old.h5", tmp_path / "new.h5", tmp_path / "expected.h5"
    data = replace(small(), encoders={"text": {"model": "bert"}})
    write(data, old, half=half)
    to_first_layout(old)
    write(read(old), expected)
    found = import_data(str(old), new)
    assert found.fingerprint == read(old).fingerprint
    assert (found.encoders, found.notes) == (data.encoders, data.notes)
    assert new.read_bytes() == expected.read_bytes()
    with h5py.File(old) as before, h5py.File(new) as after:
        assert after["modalities/text/values"].dtype == before["modalities/text/features"].dtype
        assert after["modalities/text"].attrs["digest"] == before["modalities/text"].attrs["digest"]


def test_features_that_lose_nothing_as_float16_are_kept_so(tmp_path: Path) -> None:
    exact = text_of(small()).astype(np.float16).astype(np.float32)
    almost = exact.copy()
    almost[4, 2, 1] += 1e-5
    large = exact.copy()
    large[0, 0, 0] = 7e4
    modalities = {
        name: Modality(features, small().modalities["text"].lengths)
        for name, features in {"exact": exact, "almost": almost, "large": large}.items()
    }
    write(replace(small(), modalities=modalities), tmp_path / "made.h5")
    found = read(tmp_path / "made.h5")
    with h5py.File(tmp_path / "made.h5") as file:
        kept = {name: str(file[f"modalities/{name}/values"].dtype) for name in modalities}
    assert kept == {"exact": "float16", "almost": "float32", "large": "float32"}
    assert all(np.array_equal(found.modalities[name].features[:], modalities[name].features[:]) for name in modalities)


def test_a_modality_that_no_sample_has_takes_no_room(tmp_path: Path) -> None:
    nothing = Modality(np.zeros((5, 3, 2), np.float32), np.zeros(5, np.int64))
    data: Dataset = replace(small(), modalities={**small().modalities, "vision": nothing})
    write(data, tmp_path / "made.h5")
    for stream in (False, True):
        found = read(tmp_path / "made.h5", stream=stream, whole=True)
        assert found.fingerprint == data.fingerprint
        assert not found.modalities["vision"].features[:].any()


def test_a_store_that_is_cut_off_while_it_is_in_use_is_told(tmp_path: Path) -> None:
    write(small(), tmp_path / "small.h5")
    features = stored(tmp_path / "small.h5")
    assert features[ORDER].any()
    with (tmp_path / "small.h5").open("r+b") as file:
        file.truncate(100)
    with pytest.raises(OSError, match=r"small\.h5 ends before its features do, expected it to stay"):
        features[ORDER]

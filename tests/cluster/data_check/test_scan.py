"""One pass over a modality, and what it says of its columns."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import haemsa.cluster.data_check.scan
from haemsa.cluster.data_check.columns import Shift, modality_check
from haemsa.cluster.data_check.scan import scan
from haemsa.model.data.dataset import Modality, step_mask

SPLITS = {"train": np.array([0, 2, 4]), "valid": np.array([1]), "test": np.array([3, 5])}


def stream() -> Modality:
    """Six samples of up to three steps and two columns; sample 5 is absent, sample 3 all zero."""
    lengths = np.array([3, 1, 2, 2, 1, 0])
    features = np.arange(36, dtype=np.float32).reshape(6, 3, 2)
    features[3] = 0
    features[~step_mask(lengths, 3)] = 0
    return Modality(features, lengths)


class OnDisk:
    """Features that give blocks of samples and nothing else; remembers what was asked for."""

    def __init__(self, features: NDArray[np.float32]) -> None:
        self._features, self.asked = features, list[list[int]]()
        self.shape, self.dtype = features.shape, features.dtype

    def __getitem__(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        assert indices.dtype == np.int64
        self.asked.append(indices.tolist())
        return self._features[indices]


def test_moments_are_those_of_the_rows_without_padding() -> None:
    found = scan(stream(), SPLITS, np.array([], dtype=np.int64))
    rows = np.array([[0, 1], [2, 3], [4, 5], [12, 13], [14, 15], [24, 25]], dtype=np.float64)
    train = found.moments["train"]
    assert train.rows == 6
    np.testing.assert_allclose(train.mean, rows.mean(axis=0))
    np.testing.assert_allclose(train.std, rows.std(axis=0))
    assert (train.low.tolist(), train.high.tolist()) == ([0, 1], [24, 25])
    assert found.moments["test"].rows == 2
    assert found.zeros == pytest.approx(5 / 18)
    np.testing.assert_array_equal(np.sort(found.rows[:, 0]), [0, 0, 0, 2, 4, 6, 12, 14, 24])


def test_chosen_samples_are_averaged_over_their_steps() -> None:
    found = scan(stream(), SPLITS, np.array([0, 2, 3]))
    np.testing.assert_array_equal(found.means, [[2, 3], [13, 14], [0, 0]])


def test_equal_samples_have_equal_digests_and_those_that_say_nothing_have_none() -> None:
    modality = stream()
    features, lengths = modality.features.copy(), modality.lengths.copy()
    features[1], lengths[1] = features[4], lengths[4]
    digests = scan(Modality(features, lengths), SPLITS, np.array([0])).digests
    assert digests[1] == digests[4] > 0
    assert len(set(digests[[0, 1, 2]].tolist())) == 3
    assert digests[[3, 5]].tolist() == [0, 0]


def test_features_on_disk_are_read_once_in_small_blocks_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(haemsa.cluster.data_check.scan, "_BLOCK_CELLS", 12)
    held = stream()
    disk = OnDisk(held.features)
    lazy: Any = SimpleNamespace(features=disk, lengths=held.lengths, steps=3, width=2)
    splits = {**SPLITS, "train": np.array([4, 0, 2])}
    found, whole = scan(lazy, splits, np.array([0, 4])), scan(held, SPLITS, np.array([0, 4]))
    assert disk.asked == [[0, 2], [4], [1], [3]]
    np.testing.assert_array_equal(found.means, whole.means)
    np.testing.assert_array_equal(found.digests, whole.digests)
    np.testing.assert_allclose(found.moments["train"].std, whole.moments["train"].std)


def test_of_many_rows_a_share_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(haemsa.cluster.data_check.scan, "_KEPT_CELLS", 4000)
    features = np.random.default_rng(0).normal(size=(5000, 1, 4)).astype(np.float32)
    splits = {"train": np.arange(5000)}
    found = scan(Modality(features, np.ones(5000, dtype=np.int64)), splits, np.array([0]))
    assert len(found.rows) == pytest.approx(1000, rel=0.15)
    assert found.moments["train"].rows == 5000


def test_columns_are_told_by_their_ranges_constants_and_shifts() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 1, 4)).astype(np.float32)
    features[:, 0, 1] = 5
    features[200:, 0, 2] += 3
    features[200:, 0, 3] -= 0.5
    modality = Modality(features, np.ones(300, dtype=np.int64))
    splits = {"train": np.arange(200), "test": np.arange(200, 300)}
    found = modality_check(modality, scan(modality, splits, np.array([0])), splits)
    assert (found.steps, found.width, found.constant, found.zeros) == (1, 4, (1,), 0)
    assert (found.values.low, found.values.high) == (features.min(), features.max())
    assert found.values.median == pytest.approx(np.median(features))
    worst, second, *_ = found.shifts["test"]
    assert (worst.column, second.column, found.far) == (2, 3, {"test": 1})
    assert worst.distance == pytest.approx(3, abs=0.4)
    assert Shift(1, 0.0) in found.shifts["test"]
    assert found.bands.percentiles[50][1] == 5


def test_lengths_and_absence_are_counted() -> None:
    modality = stream()
    found = modality_check(modality, scan(modality, SPLITS, np.array([0])), SPLITS)
    assert (found.lengths.low, found.lengths.median, found.lengths.high) == (1, 2, 3)
    assert found.histogram == ((0.5, 1.5, 2.5, 3.5), (2, 2, 1))
    assert found.absent == {"train": 0, "valid": 0, "test": 1}


def test_columns_near_the_largest_number_of_their_kind_do_no_harm() -> None:
    features = np.full((40, 1, 2), 3e38, dtype=np.float32)
    features[::2, 0, 0] = -3e38
    modality = Modality(features, np.ones(40, dtype=np.int64))
    splits = {"train": np.arange(20), "test": np.arange(20, 40)}
    found = modality_check(modality, scan(modality, splits, np.array([0])), splits)
    assert found.constant == (1,)
    assert np.isfinite(found.values.third)

import numpy as np
import pytest

from haemsa.model.data.builtin.digits import digits

DATA = digits(0)


def test_five_views_of_every_digit():
    assert {name: modality.width for name, modality in DATA.modalities.items()} == {
        "pixels": 64, "fourier": 40, "profiles": 48, "components": 20, "gradients": 72,
    }  # fmt: skip
    assert {modality.steps for modality in DATA.modalities.values()} == {1}
    assert DATA.presence.all()
    assert len(np.unique(DATA.groups)) == len(DATA) == 1797


def test_splits_are_stratified_and_follow_the_seed():
    sizes = {split: len(indices) for split, indices in DATA.splits.items()}
    assert sizes == {"train": 1079, "valid": 359, "test": 359}
    for indices in DATA.splits.values():
        assert np.bincount(DATA.tasks["digit"].targets[indices]) / len(indices) == pytest.approx(0.1, abs=0.01)
    assert digits(0).fingerprint == DATA.fingerprint
    assert digits(1).fingerprint != DATA.fingerprint


def test_principal_components_are_fitted_on_the_training_split():
    train = DATA.modalities["components"].features[DATA.splits["train"], 0]
    assert train.mean(axis=0) == pytest.approx(0, abs=1e-6)
    correlation = np.corrcoef(train.T) - np.eye(20)
    assert np.abs(correlation).max() < 1e-5
    assert np.abs(DATA.modalities["components"].features[DATA.splits["test"], 0].mean(axis=0)).max() > 1e-3


def test_profiles_of_a_digit_are_those_counted_by_hand():
    pixels = DATA.modalities["pixels"].features[0, 0].reshape(8, 8)
    profiles = DATA.modalities["profiles"].features[0, 0]
    assert profiles[:8] == pytest.approx(pixels.sum(axis=1))
    assert profiles[8:16] == pytest.approx(pixels.sum(axis=0))
    first_row = np.flatnonzero(pixels[0] > 0.3)
    assert profiles[16] == first_row[0]
    assert profiles[24] == 7 - first_row[-1]

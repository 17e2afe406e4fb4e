import numpy as np
import pytest

from haemsa.model.data.dataset import Dataset, Modality, Task
from haemsa.model.data.normalisation import Normalisation


def data(features, lengths):
    samples = len(features)
    return Dataset(
        "d",
        {"x": Modality(np.asarray(features, dtype=np.float32), np.array(lengths))},
        {"y": Task("regression", np.zeros(samples, np.float32))},
        {"train": np.arange(samples - 1), "test": np.array([samples - 1])},
        tuple(map(str, range(samples))),
        np.arange(samples),
    )


SMALL = data([[[1, 5], [0, 0]], [[3, 5], [5, 5]], [[0, 0], [0, 0]], [[103, 7], [3, 5]]], [1, 2, 0, 2])


def test_statistics_are_those_of_training_steps_that_are_present_and_not_padding():
    norm = Normalisation.fit(SMALL)
    assert norm.mean["x"].tolist() == [3, 5]
    assert norm.scale["x"] == pytest.approx([np.std([1, 3, 5]), np.inf])
    assert norm.mean["x"].dtype == norm.scale["x"].dtype == np.float32
    fold = Normalisation.fit(SMALL, np.array([0, 1]))
    assert fold.mean["x"].tolist() == [3, 5]
    assert Normalisation.fit(SMALL, np.array([1])).mean["x"].tolist() == [4, 5]


def test_features_are_centred_scaled_and_clipped_while_padding_stays_zero():
    applied = Normalisation.fit(SMALL).apply(SMALL)
    x = applied.modalities["x"].features
    assert x[0].tolist() == [[pytest.approx(-np.sqrt(1.5)), 0], [0, 0]]
    assert x[3].tolist() == [[10, 0], [0, 0]]  # a column that is constant in training says nothing
    assert not x[2].any()
    assert applied.ids == SMALL.ids


def test_statistics_agree_with_numpy_on_columns_of_all_scales():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(700, 3, 4)) * [1e-9, 1, 1e6, 1e-3] + [0, 1e4, 0, 50]
    norm = Normalisation.fit(data(features, [3] * 700))
    rows = features[:-1].reshape(-1, 4).astype(np.float32).astype(np.float64)
    assert norm.mean["x"] == pytest.approx(rows.mean(axis=0), rel=1e-4)
    assert norm.scale["x"] == pytest.approx(rows.std(axis=0), rel=1e-4)


def test_one_modality_is_normalised_at_prediction_time_with_faults_at_the_mean():
    norm = Normalisation.fit(SMALL)
    raw = np.array([[[3, np.nan], [9, 9]], [[-np.inf, 1e300], [3, 6]]])
    assert norm.arrays("x", raw, np.array([1, 2])).tolist() == [[[0, 0], [0, 0]], [[0, 0], [0, 0]]]
    with pytest.raises(ValueError, match="modality 'z' is unknown, expected one of x"):
        norm.arrays("z", raw, np.array([1, 2]))
    with pytest.raises(ValueError, match=r"features \[2, 2, 1\] and lengths \[2\], expected \[N, T, 2\] and \[N\]"):
        norm.arrays("x", raw[:, :, :1], np.array([1, 2]))


def test_it_travels_as_plain_arrays():
    norm = Normalisation.fit(SMALL)
    again = Normalisation.from_arrays(norm.to_arrays())
    assert again.mean["x"].tolist() == norm.mean["x"].tolist()
    assert again.scale["x"].tolist() == norm.scale["x"].tolist()
    with pytest.raises(ValueError, match=r"normalisation holds 'x\.median'"):
        Normalisation.from_arrays({"x.median": np.zeros(1, np.float32)})
    with pytest.raises(ValueError, match="normalisation of x is incomplete"):
        Normalisation.from_arrays({"x.mean": np.zeros(1, np.float32)})


def test_a_modality_absent_from_the_samples_is_left_as_it_is():
    norm = Normalisation.fit(SMALL, np.array([2]))
    assert norm.mean["x"].tolist() == [0, 0]
    assert norm.scale["x"].tolist() == [1, 1]


def test_a_column_is_constant_by_its_rounding_and_not_by_its_unit():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, 1, 3)) * [1e-8, 1.0, 1e-20] + [0, 1e6, 0]
    applied = Normalisation.fit(data(features, [1] * 200)).apply(data(features, [1] * 200))
    found = applied.modalities["x"].features[:199, 0].std(axis=0)
    assert found == pytest.approx([1, 1, 1], rel=1e-3)

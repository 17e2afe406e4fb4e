"""X in every form that people have becomes features and lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from haemsa.cluster.estimator.features import as_rows, is_table, model_inputs, raw_modalities
from haemsa.model.schema import Schema

TEXT = [np.ones((2, 3)), None, np.full((1, 3), 2.0)]


def test_ragged_sequences_are_padded_and_none_is_absent() -> None:
    text = raw_modalities({"text": TEXT})["text"]
    assert text.features.shape == (3, 2, 3) and text.features.dtype == np.float32
    assert text.lengths.tolist() == [2, 0, 1]
    assert np.isnan(text.features[2, 1]).all()


@pytest.mark.parametrize(
    ("value", "shape", "lengths"),
    [
        (np.ones((3, 4)), (3, 1, 4), [1, 1, 1]),
        (np.ones((3, 5, 4), np.float32), (3, 5, 4), [5, 5, 5]),
        ([1.0, None, 3.0], (3, 1, 1), [1, 0, 1]),
        ([[1, 2], [3, 4], [5, 6]], (3, 1, 2), [1, 1, 1]),
        ([[1, 2], None, float("nan")], (3, 1, 2), [1, 0, 0]),
        ([np.empty((0, 2)), [[1, 2], [3, 4]], pd.NA], (3, 2, 2), [0, 2, 0]),
        (pd.Series([1, 2, 3]), (3, 1, 1), [1, 1, 1]),
        (np.array([[1, np.nan], [np.nan, np.nan], [np.inf, 0]]), (3, 1, 2), [1, 0, 1]),
        ([None, None, None], (3, 1, 1), [0, 0, 0]),
    ],
)
def test_arrays_lists_and_numbers_are_read(value: Any, shape: tuple[int, ...], lengths: list[int]) -> None:
    found = raw_modalities({"a": value})["a"]
    assert found.features.shape == shape
    assert found.lengths.tolist() == lengths


def test_steps_without_a_number_at_the_end_of_a_sequence_are_padding() -> None:
    padded = np.ones((2, 4, 2))
    padded[0, 2:] = np.nan
    padded[1, 1] = np.nan  # within the sequence
    assert raw_modalities({"a": padded})["a"].lengths.tolist() == [2, 4]


def test_a_table_of_pandas_keeps_the_names_of_its_columns() -> None:
    table = pd.DataFrame({"pitch": [1, 2], "rate": [0.5, None]})
    assert raw_modalities({"audio": table})["audio"].columns == ("pitch", "rate")


def test_what_was_given_stays_as_it_is() -> None:
    given = np.ones((2, 3), np.float32)
    raw_modalities({"a": given})["a"].features[:] = 0
    assert given.all()


def test_a_list_of_samples_says_the_same_as_a_dictionary() -> None:
    X = {"text": TEXT, "audio": pd.DataFrame({"pitch": [1.0, 2, 3], "rate": [4.0, 5, 6]}), "age": np.arange(3.0)}
    rows = as_rows(X)
    assert len(rows) == 3 and rows[1]["text"] is None
    assert not is_table(rows) and not is_table(np.array(rows, dtype=object))
    whole, again = raw_modalities(X), raw_modalities(rows)
    for name, item in whole.items():
        assert np.array_equal(item.features, again[name].features, equal_nan=True)
        assert item.lengths.tolist() == again[name].lengths.tolist()
        assert item.columns == again[name].columns


def test_a_sample_may_lack_a_modality_altogether() -> None:
    assert raw_modalities([{"text": [1, 2]}, {"audio": [3]}])["audio"].lengths.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("X", "sentence"),
    [
        ({}, "X has no modality, expected at least one"),
        ({"a": np.ones((3, 2)), "b": np.ones((2, 2))}, "modality 'b' has 2 samples, expected 3 as the others"),
        ({"a": ["good", "bad"]}, "modality 'a' holds 'good', expected numbers"),
        ({"a": pd.DataFrame({"word": ["good", "bad"]})}, "modality 'a' holds 'good', expected numbers"),
        ({"a": np.ones((2, 2, 2, 2))}, r"modality 'a' has 4 axes, expected \[N\], \[N, D\] or \[N, T, D\]"),
        ({"a": [np.ones((2, 2, 2))]}, r"modality 'a' has a sample of 3 axes, expected \[T, D\] or \[D\]"),
        ({"a": [np.ones(2), np.ones(3)]}, "modality 'a' has samples of 2 and 3 features, expected the same number"),
        ({"a": np.ones((2, 0))}, r"modality 'a' has shape \[2, 0\], expected at least one feature"),
        ({"a": np.ones(2, complex)}, "modality 'a' is complex, expected real numbers"),
        ({"a": sparse.csr_matrix(np.eye(2))}, "modality 'a' is a sparse matrix, expected an array"),
        ([{"a": 1}, 3], "X has dictionaries and other things, expected a dictionary for each sample"),
    ],
)
def test_what_is_no_modality_gives_one_sentence(X: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        raw_modalities(X)


def test_a_model_gets_its_columns_in_its_order() -> None:
    schema = Schema({"audio": (1, 2), "text": (3, 5)}, {}, {"audio": ("pitch", "rate")})
    X = {"audio": pd.DataFrame({"new": [0], "rate": [2], "pitch": [1]}), "text": [None]}
    inputs = model_inputs(raw_modalities(X), schema)
    assert np.asarray(inputs["audio"][0]).tolist() == [[[1, 2]]]
    assert inputs["text"][0].shape == (1, 1, 5) and inputs["text"][1].tolist() == [0]
    with pytest.raises(ValueError, match="modality 'audio' lacks rate, which the model was trained on"):
        model_inputs(raw_modalities({"audio": X["audio"][["new", "pitch"]]}), schema)
    with pytest.raises(ValueError, match="X has no sample, expected at least one"):
        model_inputs(raw_modalities({"audio": np.ones((0, 2))}), schema)

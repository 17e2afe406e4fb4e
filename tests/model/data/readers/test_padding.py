import numpy as np
import pytest

from haemsa.model.data import steps
from haemsa.model.data.readers.padding import spans, to_front


def features(*samples):
    """[N, T, 1]; one number for each step."""
    return np.array(samples, dtype=np.float32)[:, :, None]


@pytest.fixture(params=[1, 2**22])
def block(request, monkeypatch):
    """Samples are worked on one by one, or all at once."""
    monkeypatch.setattr(steps, "_BLOCK", request.param)


def test_without_lengths_a_sample_ends_at_its_last_step_that_is_not_zero(block):
    found, notes = features([1, 2, 0, 0], [0, 3, 0, 0], [0, 0, 0, 0], [1, 0, 0, 4]), []
    before = found.copy()
    assert to_front("audio", found, None, notes).tolist() == [2, 2, 0, 4]
    assert np.array_equal(found, before)
    assert notes == []


def test_without_lengths_steps_move_where_most_padding_is_in_front(block):
    found, notes = features([0, 0, 1, 2], [0, 3, 0, 0], [0, 0, 0, 0], [1, 2, 3, 4], [0, 0, 0, np.nan]), []
    assert to_front("audio", found, None, notes).tolist() == [2, 1, 0, 4, 1]
    expected = features([1, 2, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0], [1, 2, 3, 4], [np.nan, 0, 0, 0])
    assert np.array_equal(found, expected, equal_nan=True)
    assert notes == ["audio: 3 samples padded in front; their steps moved to the front"]


def test_given_lengths_move_what_lies_at_the_end_with_the_zeros_that_belong_to_it(block):
    found, notes = features([0, 0, 0, 5], [0, 1, 2, 0], [1, 2, 0, 0], [0, 0, 7, 0], [0, 0, 0, 0]), []
    assert to_front("audio", found, np.array([2, 3, 2, 2, 3]), notes).tolist() == [2, 3, 2, 2, 0]
    assert np.array_equal(found, features([0, 5, 0, 0], [0, 1, 2, 0], [1, 2, 0, 0], [7, 0, 0, 0], [0, 0, 0, 0]))
    assert notes == ["audio: 2 samples padded in front; their steps moved to the front"]


def test_values_beyond_given_lengths_that_fit_nowhere_are_counted(block):
    notes = []
    starts, lengths = spans("audio", features([1, 2, 3, 4], [0, 1, 2, 3], [1, 0, 0, 0]), np.array([2, 2, 0]), notes)
    assert starts.tolist() == [0, 0, 0]
    assert lengths.tolist() == [2, 2, 0]
    assert notes == ["audio: 3 samples have values beyond their given lengths; left out"]

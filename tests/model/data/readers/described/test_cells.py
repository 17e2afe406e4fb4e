import numpy as np
import pytest

from haemsa.model.data.readers.described.cells import words


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_numbers_are_written_as_exactly_as_they_are_kept(dtype):
    assert words(np.array([0.1, 3, -0.0, np.nan, np.inf], dtype)) == ["0.1", "3", "0", "", "inf"]


def test_long_numbers_stay_distinct():
    assert words(np.array([1234567.25, 1234567.5])) == ["1234567.25", "1234567.5"]
    assert words(np.array([1234567.25, 1234567.5, None, 2**60 + 1, "NA"], object)) == [
        "1234567.25", "1234567.5", "", str(2**60 + 1), "",
    ]  # fmt: skip
    assert words(np.array([2**60 + 1])) == [str(2**60 + 1)]
    assert words(np.array([True, False])) == ["True", "False"]

"""Predictions beside the truth, as numbers."""

from __future__ import annotations

import numpy as np
import pytest

from cluster.calibration import Reliability, binned_medians, confusion


def test_confusion_has_a_row_per_true_class() -> None:
    found = confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)
    assert found.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


def test_calibration_compares_how_sure_with_how_often_right() -> None:
    found = Reliability.of(np.array([0.92, 0.98, 0.55, 1.0]), np.array([True, False, True, True]))
    np.testing.assert_allclose(found.chances, [0.55, 2.9 / 3])
    np.testing.assert_allclose(found.rates, [1, 2 / 3])
    np.testing.assert_allclose(found.shares, [0.25, 0.75])
    assert found.error == pytest.approx(0.25 * 0.45 + 0.75 * 0.3)


def test_medians_are_of_bins_of_as_many_samples() -> None:
    true, predicted = np.array([4.0, 1.0, 2.0, 3.0]), np.array([9.0, 0.0, 1.0, 5.0])
    middles, medians = binned_medians(true, predicted, 2)
    assert (middles.tolist(), medians.tolist()) == ([1.5, 3.5], [0.5, 7.0])

"""Predictions next to the truth, as numbers."""

from __future__ import annotations

import numpy as np

from haemsa.cluster.report.best_model.predictions import binned_medians, confusion


def test_confusion_has_a_row_per_true_class() -> None:
    counts = confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)
    assert counts.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


def test_medians_are_of_bins_of_equal_size() -> None:
    true, predicted = np.array([4.0, 1.0, 2.0, 3.0]), np.array([9.0, 0.0, 1.0, 5.0])
    middles, medians = binned_medians(true, predicted, 2)
    assert (middles.tolist(), medians.tolist()) == ([1.5, 3.5], [0.5, 7.0])

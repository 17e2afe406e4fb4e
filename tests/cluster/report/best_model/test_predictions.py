"""Predictions next to the truth, as numbers."""

from __future__ import annotations

import numpy as np

from haemsa.cluster.report.best_model.predictions import WorstSample, binned_medians, confusion, worst_samples
from haemsa.model.data.task import Task


def test_confusion_has_a_row_per_true_class() -> None:
    counts = confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)
    assert counts.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


def test_medians_are_of_bins_of_equal_size() -> None:
    true, predicted = np.array([4.0, 1.0, 2.0, 3.0]), np.array([9.0, 0.0, 1.0, 5.0])
    middles, medians = binned_medians(true, predicted, 2)
    assert (middles.tolist(), medians.tolist()) == ([1.5, 3.5], [0.5, 7.0])


def test_the_worst_samples_come_first_by_their_ids_and_unlabelled_ones_are_left_out() -> None:
    felt = Task("regression", np.array([1.0, -2.0, np.nan, 3.0], np.float32), bounds=(-3.0, 3.0))
    outputs = np.array([[1.5], [1.0], [9.0], [1.0]])
    assert worst_samples(felt, outputs, "abcd", 2) == [
        WorstSample("b", "-2.000", "1.000", "+3.000"), WorstSample("d", "3.000", "1.000", "-2.000"),
    ]  # fmt: skip
    mood = Task("classes", np.array([0, 1, -1]), ("sad", "happy"))
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.0, 1.0]])
    assert worst_samples(mood, chances, "abc", 1) == [
        WorstSample("b", "happy", "sad (80%)", "20.0%"),
    ]  # fmt: skip
    assert worst_samples(mood, np.array([[0.0001, 0.9999]] * 3), "abc", 1)[0].error == "below 0.1%"
    several = Task("multilabel", np.array([[1, 0], [0, 0]], np.float32), ("x", "y"))
    assert worst_samples(several, np.array([[0.2, 0.6], [0.1, 0.1]]), "ab", 1) == [
        WorstSample("a", "x", "y", "0.70"),
    ]  # fmt: skip

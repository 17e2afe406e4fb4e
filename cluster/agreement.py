"""Predictions beside the truth, as numbers: which classes are taken for which, and how values are on the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def confusion(true: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """How many samples of each class (rows) are given each class (columns) [C, C]."""
    return np.bincount(true * classes + predicted, minlength=classes**2).reshape(classes, classes)


def binned_medians(
    true: NDArray[Any], predicted: NDArray[Any], bins: int = 10
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean true and median predicted value in bins of as many samples each."""
    parts = [part for part in np.array_split(np.argsort(true, kind="stable"), bins) if len(part)]
    return np.array([true[part].mean() for part in parts]), np.array([np.median(predicted[part]) for part in parts])

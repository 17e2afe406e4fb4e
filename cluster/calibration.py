"""Predictions beside the truth, as numbers: confusion, calibration, and how values are predicted on the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_BINS: Final = 10


def confusion(true: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """How many samples of each class (rows) are given each class (columns) [C, C]."""
    return np.bincount(true * classes + predicted, minlength=classes**2).reshape(classes, classes)


@dataclass(frozen=True)
class Reliability:
    """By bin of predicted probability: its mean, how often it came true, and the share of predictions; [b] each.

    error: the expected calibration error (Naeini et al., AAAI 2015), the mean gap between the two over predictions.
    """

    chances: NDArray[np.float64]
    rates: NDArray[np.float64]
    shares: NDArray[np.float64]

    @classmethod
    def of(cls, chances: NDArray[Any], true: NDArray[np.bool_]) -> Reliability:
        """Of predictions [N], in ten bins of equal width; empty ones are left out."""
        place = np.minimum((chances * _BINS).astype(int), _BINS - 1)
        counts = np.bincount(place, minlength=_BINS)
        some = counts > 0
        sure, right = (np.bincount(place, values, _BINS)[some] / counts[some] for values in (chances, true))
        return cls(sure, right, counts[some] / len(chances))

    @property
    def error(self) -> float:
        """Mean distance of how sure from how often right."""
        return float((self.shares * np.abs(self.chances - self.rates)).sum())


def binned_medians(
    true: NDArray[Any], predicted: NDArray[Any], bins: int = _BINS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean true and median predicted value in bins of as many samples each."""
    parts = [part for part in np.array_split(np.argsort(true, kind="stable"), bins) if len(part)]
    return np.array([true[part].mean() for part in parts]), np.array([np.median(predicted[part]) for part in parts])

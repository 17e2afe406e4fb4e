"""How often predictions come true that are so sure: a reliability diagram, as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

BINS: Final = 15


@dataclass(frozen=True)
class Reliability:
    """By bin of predicted probability: its mean, how often it came true, and the share of predictions; [b] each.

    error: the expected calibration error (Guo et al. 2017, eq. 3), the mean gap between the two over predictions.
    """

    chances: NDArray[np.float64]
    rates: NDArray[np.float64]
    shares: NDArray[np.float64]

    @classmethod
    def of(cls, chances: NDArray[Any], true: NDArray[np.bool_]) -> Reliability:
        """Of predictions [N], in bins of equal width; empty ones are left out."""
        place = np.minimum((chances * BINS).astype(int), BINS - 1)
        counts = np.bincount(place, minlength=BINS)
        some = counts > 0
        sure, right = (np.bincount(place, values, BINS)[some] / counts[some] for values in (chances, true))
        return cls(sure, right, counts[some] / len(chances))

    @property
    def error(self) -> float:
        """Mean distance of how sure from how often right."""
        return float((self.shares * np.abs(self.chances - self.rates)).sum())

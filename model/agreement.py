"""How well predictions follow labels: Pearson's and Lin's correlation. Axes: `N` samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def pearson(y: Array, p: Array) -> float:
    """The correlation of two arrays [N]; 0 if one of them is constant."""
    a, b = y - y.mean() if len(y) else y, p - p.mean() if len(p) else p
    scale = math.sqrt(float((a**2).sum()) * float((b**2).sum()))
    constant = len(y) == 0 or np.ptp(y) == 0 or np.ptp(p) == 0
    return 0.0 if constant or scale == 0 else float((a * b).sum()) / scale


def ccc(y: Array, p: Array) -> float:
    """Lin's concordance correlation of two arrays [N]: 2 cov / (var + var + (mean - mean)^2); 0 if undefined."""
    y, p = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    if not len(y):
        return 0.0
    spread = float(y.var() + p.var() + (y.mean() - p.mean()) ** 2)
    return 0.0 if spread == 0 else float(2 * ((y - y.mean()) * (p - p.mean())).mean() / spread)

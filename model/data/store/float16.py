"""What float16 makes of features: too large a number, or columns whose values it cannot tell apart, are refused."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_LARGEST: Final = float(np.finfo(np.float16).max)
_LOSS: Final = 0.01
"""The share of a column's variance that rounding may take or add."""


class Rounding:
    """Adds up, block by block, what one modality's columns vary and what rounding them costs."""

    def __init__(self, name: str, width: int) -> None:
        self._name, self._count = name, 0
        self._total, self._square, self._error = np.zeros((3, width))

    def check(self, rows: NDArray[np.float32]) -> None:
        """Take note of steps [S, D]. Raises ValueError for a number that is too large."""
        largest = float(np.abs(rows).max(initial=0))
        if largest > _LARGEST:
            raise ValueError(f"modality {self._name!r} has a feature of {largest:g}, more than float16 can hold")
        exact = rows.astype(np.float64)
        self._count += len(rows)
        self._total += exact.sum(axis=0)
        self._square += np.square(exact).sum(axis=0)
        self._error += np.square(exact - rows.astype(np.float16)).sum(axis=0)

    def end(self) -> None:
        """Raises ValueError for a column of which rounding loses too much."""
        count = max(1, self._count)
        variance = self._square / count - np.square(self._total / count)
        lost = (self._error / count > _LOSS * variance) & (variance > 1e-12 * self._square / count)
        if lost.any():
            column = int(lost.argmax())
            raise ValueError(
                f"modality {self._name!r} varies too little for float16 in {lost.sum()} columns, as in {column}: "
                "keep it as float32, or standardise it first"
            )

"""Whether float16 can hold features. It cannot hold large numbers, or columns that vary little around a large mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LARGEST: Final = float(np.finfo(np.float16).max)
_LOSS: Final = 0.01
"""By how much of a column's variance rounding may change it."""


class Rounding:
    """Measures, block by block, how much the columns of one modality vary, and what rounding changes."""

    def __init__(self, name: str, width: int, columns: Sequence[str] = ()) -> None:
        self._name, self._count, self._columns = name, 0, columns
        self._total, self._square, self._error = np.zeros((3, width))

    def check(self, rows: NDArray[np.float32]) -> None:
        """Measure steps [S, D]. Raises ValueError if a number is too large."""
        largest = float(np.abs(rows).max(initial=0))
        if largest > _LARGEST:
            raise ValueError(f"modality {self._name!r} has a feature of {largest:g}, more than float16 can hold")
        exact = rows.astype(np.float64)
        self._count += len(rows)
        self._total += exact.sum(axis=0)
        self._square += np.square(exact).sum(axis=0)
        self._error += np.square(exact - rows.astype(np.float16)).sum(axis=0)

    def end(self) -> None:
        """Raises ValueError if rounding changes a column too much."""
        count = max(1, self._count)
        variance = self._square / count - np.square(self._total / count)
        lost = (self._error / count > _LOSS * variance) & (variance > 1e-12 * self._square / count)
        if lost.any():
            place = int(lost.argmax())
            column = self._columns[place] if self._columns else place
            raise ValueError(
                f"modality {self._name!r} varies too little for float16 in {lost.sum()} columns, as in {column}: "
                "keep it as float32, or standardise it first"
            )

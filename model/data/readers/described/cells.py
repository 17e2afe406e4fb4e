"""Cells of labels, ids and splits, as text or numbers. Axis: `N` samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.errors import near

Cells = NDArray[Any]
"""[N], numbers, or objects: text, numbers, or None for a missing cell."""
MISSING: Final = frozenset({"", "NA", "NaN", "nan", "n/a", "N/A", "#N/A", "<NA>"})
"""Text that stands for a missing cell."""


def word(cell: object) -> str:
    """A cell as text: whole numbers without a decimal point, "" for a missing cell."""
    if isinstance(cell, float | np.floating):
        if np.isnan(cell):
            return ""
        return str(int(cell)) if cell.is_integer() else str(cell)
    text = "" if cell is None else str(cell)
    return "" if text in MISSING else text


def words(cells: Cells) -> list[str]:
    """Every cell as text."""
    return [word(cell) for cell in cells]  # tolist() would show more digits of 0.1 in float32


def numbers(cells: Cells) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values float64 [N], NaN where a cell is no number; and where a cell is neither a number nor missing, bool [N]."""
    if cells.dtype != object:
        with np.errstate(over="ignore"):
            return cells.astype(np.float64), np.zeros(len(cells), dtype=bool)
    values, odd = np.full(len(cells), np.nan), np.zeros(len(cells), dtype=bool)
    for row, cell in enumerate(cells):
        if word(cell):
            try:
                values[row] = float(cell)
            except (TypeError, ValueError, OverflowError):
                odd[row] = True
    return values, odd


def unlike(column: str, cells: Cells, expected: str, known: Sequence[str] = ()) -> Callable[[int], str]:
    """A function that says, for a row, what its cell is, which of the `known` is near, and what was expected."""

    def problem(row: int) -> str:
        cell = cells[row]
        shown = repr(cell.item() if isinstance(cell, np.generic) else cell)[:60]
        return f"{column!r} is {shown}{near(word(cell), known)}, expected {expected}"

    return problem

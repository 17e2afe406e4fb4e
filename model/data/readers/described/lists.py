"""Columns of Parquet files whose cells are lists: vectors, or sequences of vectors.

Axes: `N` rows, `T` steps (1 for a vector), `D` numbers in a step.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.memory import DEFLATED, zeros

_CELLS: Final = 2**22
"""About how many numbers are read at a time."""


def depth(kind: Any) -> int:
    """1 for an Arrow type of lists of numbers, 2 for lists of such lists, 0 for any other type."""
    from pyarrow import types

    level = 0
    while types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        kind, level = kind.value_type, level + 1
    is_number = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
    return level if is_number and level <= 2 else 0


def read_lists(file: Any, path: Path, column: str) -> tuple[RawModality, dict[int, str]]:
    """Features [N, T, D] of one column: D is the size of most lists, T the length of the longest cell.

    A missing cell has no steps. A missing number is NaN.

    Args:
        file: The open `ParquetFile`.
        path: Its path.
        column: The column.

    Returns:
        The features, and the rows with a list of another size, with what is wrong.

    Raises:
        ValueError: The file claims more than it can hold.
    """
    limit, claimed, count = DEFLATED * path.stat().st_size, _claimed(file, column), file.metadata.num_rows
    if 8 * claimed > limit:
        raise ValueError(f"column {column!r} claims {claimed} numbers, more than the file can hold")
    lengths, sizes = np.zeros(count, dtype=np.int64), Counter[int]()
    rows_at_once = max(1, _CELLS * count // max(1, claimed))
    for start, counts, steps in _cells(file, column, rows_at_once):
        lengths[start : start + len(counts)] = counts
        sizes.update(_sizes(steps).tolist())
    width = max(1, sizes.most_common(1)[0][0] if sizes else 1)
    shape = (len(lengths), max(1, int(lengths.max(initial=1))), width)
    if 4 * math.prod(shape) > limit:
        raise ValueError(f"column {column!r} would become features {list(shape)}, more than the file can hold")
    features, problems = zeros(shape), dict[int, str]()
    for start, counts, steps in _cells(file, column, rows_at_once):
        rows = np.repeat(np.arange(len(counts)), counts)
        places = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        widths = _sizes(steps)
        fits = widths == width
        numbers = np.asarray(steps.flatten().cast("float64").to_numpy(zero_copy_only=False))
        with np.errstate(over="ignore"):
            features[start + rows[fits], places[fits]] = numbers[np.repeat(fits, widths)].reshape(-1, width)
        for step in np.flatnonzero(~fits).tolist():
            problem = f"{column!r} has a list of {widths[step]} numbers, expected {width} as in most"
            problems.setdefault(start + int(rows[step]), problem)
    return RawModality(features, lengths), problems


def _claimed(file: Any, column: str) -> int:
    """How many numbers the file says that the column has."""
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    chunks = [group.column(number) for group in groups for number in range(group.num_columns)]
    return sum(chunk.num_values for chunk in chunks if chunk.path_in_schema.split(".")[0] == column)


def _cells(file: Any, column: str, rows: int) -> Iterator[tuple[int, NDArray[np.int64], Any]]:
    """For each batch of rows: the first row, the steps of each row, and all their lists as an Arrow array."""
    start = 0
    for batch in file.iter_batches(rows, columns=[column]):
        cells = batch.column(column)
        if depth(cells.type) == 2:
            yield start, _sizes(cells), cells.flatten()
        else:
            yield start, np.asarray(cells.is_valid()).astype(np.int64), cells.drop_null()
        start += len(cells)


def _sizes(lists: Any) -> NDArray[np.int64]:
    """The length of each list; 0 if it is missing."""
    from pyarrow import compute

    sizes = compute.fill_null(compute.list_value_length(lists), 0)
    return np.asarray(sizes.to_numpy(zero_copy_only=False)).astype(np.int64)

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
from haemsa.model.data.readers.memory import zeros
from haemsa.model.data.store.hdf5 import DEFLATED

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
    rows_at_once = rows_of_lists(file, column)
    for start, counts, steps in _cells(file, column, rows_at_once):
        lengths[start : start + len(counts)] = counts
        sizes.update(_sizes(steps).tolist())
    width = max(1, sizes.most_common(1)[0][0] if sizes else 1)
    shape = (len(lengths), max(1, int(lengths.max(initial=1))), width)
    if 4 * math.prod(shape) > limit:
        raise ValueError(f"column {column!r} would become features {list(shape)}, more than the file can hold")
    features, problems = zeros(shape), dict[int, str]()
    for start, counts, steps in _cells(file, column, rows_at_once):
        for row, size in _fill(features[start : start + len(counts)], counts, steps).items():
            problems[start + row] = f"{column!r} has a list of {size} numbers, expected {width} as in most"
    return RawModality(features, lengths), problems


def block_of_lists(cells: Any, column: str, most: int, width: int) -> tuple[RawModality, dict[int, str]]:
    """Features [n, T, D] of some rows of one column, given as an Arrow array.

    Args:
        cells: The cells of these rows.
        column: The name of the column.
        most: The most steps that are kept, T at most. The lengths still count all.
        width: D.

    Returns:
        The features, and the rows with a list of another size, with what is wrong.
    """
    counts, steps = _steps(cells)
    features = np.zeros((len(counts), max(1, min(most, int(counts.max(initial=1)))), width), np.float32)
    wrong = _fill(features, counts, steps)
    problems = {row: f"{column!r} has a list of {size} numbers, expected {width}" for row, size in wrong.items()}
    return RawModality(features, counts), problems


def rows_of_lists(file: Any, column: str) -> int:
    """How many rows of a column hold about as many numbers as are read at a time."""
    return max(1, _CELLS * int(file.metadata.num_rows) // max(1, _claimed(file, column)))


def _fill(features: NDArray[np.float32], counts: NDArray[np.int64], steps: Any) -> dict[int, int]:
    """Write the lists of some rows into features [n, T, D]; the rows with a list of another size than D, and its size.

    `counts` [n] are the steps of each row, and `steps` is the Arrow array of all their lists.
    """
    width, wrong = features.shape[2], dict[int, int]()
    rows = np.repeat(np.arange(len(counts)), counts)
    places = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    widths = _sizes(steps)
    kept = (widths == width) & (places < features.shape[1])
    numbers = np.asarray(steps.flatten().cast("float64").to_numpy(zero_copy_only=False))
    with np.errstate(over="ignore"):
        features[rows[kept], places[kept]] = numbers[np.repeat(kept, widths)].reshape(-1, width)
    for step in np.flatnonzero(widths != width).tolist():
        wrong.setdefault(int(rows[step]), int(widths[step]))
    return wrong


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
        yield start, *_steps(cells)
        start += len(cells)


def _steps(cells: Any) -> tuple[NDArray[np.int64], Any]:
    """The steps of each cell, and all their lists as an Arrow array."""
    if depth(cells.type) == 2:
        return _sizes(cells), cells.flatten()
    return np.asarray(cells.is_valid()).astype(np.int64), cells.drop_null()


def _sizes(lists: Any) -> NDArray[np.int64]:
    """The length of each list; 0 if it is missing."""
    from pyarrow import compute

    sizes = compute.fill_null(compute.list_value_length(lists), 0)
    return np.asarray(sizes.to_numpy(zero_copy_only=False)).astype(np.int64)

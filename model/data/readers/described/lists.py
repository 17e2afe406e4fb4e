"""Columns of Parquet files whose cells are lists: vectors, or sequences of vectors.

Axes: `N` rows, `T` steps (1 for a vector), `D` numbers a step.
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
"""Numbers that are read at a time, about."""


def depth(kind: Any) -> int:
    """How many lists lie within each other in a column of this Arrow type, if they hold numbers: 1 or 2, else 0."""
    from pyarrow import types

    level = 0
    while types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        kind, level = kind.value_type, level + 1
    is_number = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
    return level if is_number and level <= 2 else 0


def read_lists(file: Any, path: Path, column: str) -> tuple[RawModality, dict[int, str]]:
    """Features [N, T, D] of a column of the `ParquetFile`, D as in most lists, T as in the longest cell.

    A missing cell has no steps, a missing number is NaN. Also the rows with a list of another size, and what is wrong.
    Raises ValueError for a file that claims more than it can hold.
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
        found = _sizes(steps)
        fits = found == width
        numbers = np.asarray(steps.flatten().cast("float64").to_numpy(zero_copy_only=False))
        with np.errstate(over="ignore"):
            features[start + rows[fits], places[fits]] = numbers[np.repeat(fits, found)].reshape(-1, width)
        for step in np.flatnonzero(~fits).tolist():
            problem = f"{column!r} has a list of {found[step]} numbers, expected {width} as in most"
            problems.setdefault(start + int(rows[step]), problem)
    return RawModality(features, lengths), problems


def _claimed(file: Any, column: str) -> int:
    """Numbers in all."""
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    chunks = [group.column(number) for group in groups for number in range(group.num_columns)]
    return sum(chunk.num_values for chunk in chunks if chunk.path_in_schema.split(".")[0] == column)


def _cells(file: Any, column: str, rows: int) -> Iterator[tuple[int, NDArray[np.int64], Any]]:
    """The first row of each batch, the steps of each of its rows, and all of these as an Arrow array of lists."""
    start = 0
    for batch in file.iter_batches(rows, columns=[column]):
        cells = batch.column(column)
        if depth(cells.type) == 2:
            yield start, _sizes(cells), cells.flatten()
        else:
            yield start, np.asarray(cells.is_valid()).astype(np.int64), cells.drop_null()
        start += len(cells)


def _sizes(lists: Any) -> NDArray[np.int64]:
    """How long each list is; 0 where it is missing."""
    from pyarrow import compute

    sizes = compute.fill_null(compute.list_value_length(lists), 0)
    return np.asarray(sizes.to_numpy(zero_copy_only=False)).astype(np.int64)

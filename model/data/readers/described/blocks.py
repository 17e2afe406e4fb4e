"""The rows of a CSV or Parquet file, some at a time, for data that is predicted and never kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from haemsa.model.data.readers.described.cells import MISSING
from haemsa.model.data.readers.described.columns import (
    column_names,
    column_types,
    errors_naming,
    is_csv,
    parquet,
    row_sizes,
)
from haemsa.model.data.readers.described.csv_file import parsed
from haemsa.model.data.readers.described.lists import rows_of_lists

_CELLS: Final = 2**20
"""About how many cells are read at a time."""
_ROWS: Final = 2**15
"""The most rows that are read at a time."""


@dataclass(frozen=True, eq=False)
class RowBlock:
    """Some rows.

    Attributes:
        start: The number of the first row, from 0.
        count: How many rows there are.
        numbers: The columns of features.
        text: The other columns.
        lists: The columns of lists, as Arrow arrays.
    """

    start: int
    count: int
    numbers: pd.DataFrame
    text: pd.DataFrame
    lists: Mapping[str, Any]


def row_blocks(
    path: Path, numbers: Sequence[str], text: Sequence[str], lists: Sequence[str] = ()
) -> Iterator[RowBlock]:
    """All rows of a file, some at a time.

    Args:
        path: A CSV or Parquet file.
        numbers: The columns of features.
        text: Other columns. Those of a CSV file are text.
        lists: Columns whose cells are lists.

    Raises:
        ValueError: The file is broken, or a column is neither numbers nor text. The message is one sentence.
    """
    rows = max(1, min(_ROWS, _CELLS // max(1, len(numbers) + len(text))))
    with errors_naming(path):
        if is_csv(path):
            yield from _csv_blocks(path, numbers, text, rows)
        else:
            yield from _parquet_blocks(path, numbers, text, lists, rows)


def _csv_blocks(path: Path, numbers: Sequence[str], text: Sequence[str], rows: int) -> Iterator[RowBlock]:
    place, start, expected = {name: place for place, name in enumerate(column_names(path))}, 0, row_sizes(path).rows
    read = sorted({*numbers, *text}, key=place.__getitem__)
    with (
        parsed(path, len(place)),
        pd.read_csv(
            path,
            usecols=[place[name] for name in read],
            dtype=dict.fromkeys(text, str),
            na_values=sorted(MISSING),
            keep_default_na=False,
            low_memory=False,
            chunksize=rows,
            encoding="utf-8-sig",
        ) as chunks,
    ):
        for chunk in chunks:
            chunk.columns = pd.Index(read)
            yield RowBlock(start, len(chunk), chunk[list(numbers)], chunk[list(text)], {})
            start += len(chunk)
    if start != expected:
        raise ValueError(f"it has {start} rows or {expected}, as its quotes are read")


def _parquet_blocks(
    path: Path, numbers: Sequence[str], text: Sequence[str], lists: Sequence[str], rows: int
) -> Iterator[RowBlock]:
    file, start = parquet(path), 0
    column_types(file.schema_arrow, (*numbers, *text))
    size = min([rows, *(rows_of_lists(file, column) for column in lists)])
    for batch in file.iter_batches(size, columns=list(dict.fromkeys((*numbers, *text, *lists)))):
        yield RowBlock(
            start,
            len(batch),
            batch.select(list(numbers)).to_pandas(ignore_metadata=True),
            batch.select(list(text)).to_pandas(ignore_metadata=True, integer_object_nulls=True),
            {column: batch.column(column) for column in lists},
        )
        start += len(batch)

"""The columns of a CSV or Parquet file, read some rows at a time. No file fills more memory than its size allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd

from haemsa.model.data.readers.described.cells import MISSING
from haemsa.model.data.readers.described.csv_file import RowSizes, csv_header, csv_row_sizes, parsed, short_rows
from haemsa.model.data.readers.described.lists import depth
from haemsa.model.data.store.hdf5 import DEFLATED

_MOST_COLUMNS: Final = 100_000
_BLOCK: Final = 2**22
"""Bytes in which lines are counted at a time."""
_CELLS: Final = 2**22
"""About how many cells are read at a time."""
_TEXT: Final = ("string", "large_string")
_NUMBERS: Final = ("int", "uint", "halffloat", "float", "double", "bool")
_READ: Final = (*_NUMBERS, *_TEXT, *(f"dictionary<values={kind}," for kind in _TEXT))
"""How Arrow's names begin for the types of Parquet columns that are read."""


class LabelColumns(NamedTuple):
    """The columns that are not features (`frame`), and the rows with too few cells, with their number (`short`)."""

    frame: pd.DataFrame
    short: Mapping[int, int]


def column_names(path: Path) -> list[str]:
    """The names of the columns in the file at `path`. Raises ValueError if it is broken or repeats a name."""
    with errors_naming(path):
        names = csv_header(path) if is_csv(path) else parquet(path).schema_arrow.names
        if not 0 < len(names) <= _MOST_COLUMNS:
            raise ValueError(f"it has {len(names)} columns, expected 1 to {_MOST_COLUMNS}")
        name, count = Counter(names).most_common(1)[0]
        if count > 1:
            raise ValueError(f"{count} columns are called {name!r}, expected each name once")
        return list(names)


def list_columns(path: Path) -> Mapping[str, int]:
    """The columns whose cells are lists of numbers (1), or lists of such lists (2)."""
    if is_csv(path):
        return {}
    with errors_naming(path):
        depths = {field.name: depth(field.type) for field in parquet(path).schema_arrow}
        return {name: level for name, level in depths.items() if level}


def most_rows(path: Path) -> int:
    """The most rows that the file can have. A row takes a line, and a cell takes at least one byte."""
    with errors_naming(path):
        if not is_csv(path):
            return int(parquet(path).metadata.num_rows)
        lines = 1
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                lines += block.count(b"\n") + block.count(b"\r")
        return min(lines, (path.stat().st_size + 1) // len(csv_header(path)))


def row_sizes(path: Path) -> RowSizes:
    """How many rows the file has, and which of them have too few cells.

    Raises:
        ValueError: The file is broken, has no rows, or has a row with more cells than its header.
    """
    with errors_naming(path):
        if is_csv(path):
            width = len(csv_header(path))
            sizes = csv_row_sizes(path, width)
        else:
            sizes = RowSizes(int(parquet(path).metadata.num_rows), {})
        if sizes.rows < 1:
            raise ValueError("it has no rows")
        return sizes


def is_csv(path: Path) -> bool:
    """Whether the name of the file ends in .csv; otherwise it is Parquet."""
    return path.suffix.lower() == ".csv"


def read_columns(
    path: Path, features: Sequence[str], labels: Sequence[str], take: Callable[[int, pd.DataFrame], None]
) -> LabelColumns:
    """Read a file once, and not all of it at a time.

    Args:
        path: A CSV or Parquet file.
        features: The columns that `take` gets.
        labels: The columns that are returned.
        take: Is called with some rows of features at a time, and with the number of the first of them.

    Returns:
        The columns of labels. Those of a CSV file are text.

    Raises:
        ValueError: The file is broken. The message is one sentence.
    """
    with errors_naming(path):
        columns = (_read_csv if is_csv(path) else _read_parquet)(path, features, labels, take)
        if not len(columns.frame):
            raise ValueError("it has no rows")
        return columns


@contextmanager
def errors_naming(path: Path) -> Iterator[None]:
    """Any error that a broken file raises within becomes a ValueError of one sentence that names the file."""
    try:
        yield
    except Exception as error:  # a broken file raises whatever its broken parts raise
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        if isinstance(error, UnicodeDecodeError):
            reason = f"byte {error.object[error.start]:#x} in its text, expected text in UTF-8"
        raise ValueError(f"{path} cannot be read: {reason}") from None


def _read_csv(
    path: Path, features: Sequence[str], labels: Sequence[str], take: Callable[[int, pd.DataFrame], None]
) -> LabelColumns:
    names, size, rows, is_whole = csv_header(path), path.stat().st_size, 0, True
    parts: list[pd.DataFrame] = []
    with (
        parsed(path, len(names)),
        pd.read_csv(
            path,
            dtype=dict.fromkeys(labels, str),
            na_values=sorted(MISSING),
            keep_default_na=False,
            low_memory=False,
            chunksize=max(1, _CELLS // len(names)),
            encoding="utf-8-sig",
        ) as chunks,
    ):
        for chunk in chunks:
            if len(chunk.columns) != len(names) or not isinstance(chunk.index, pd.RangeIndex):
                csv_row_sizes(path, len(names))  # names the first row with more cells than the header
                raise ValueError(f"its rows have more cells than its header, which has {len(names)}")
            rows += len(chunk)
            if rows * len(names) > size + 1:  # a cell takes at least one byte, with the character that ends it
                raise ValueError(f"its rows have fewer cells than its header, which has {len(names)}")
            chunk.columns = pd.Index(names)
            take(rows - len(chunk), chunk[list(features)])
            parts.append(chunk[list(labels)])
            is_whole = is_whole and bool(chunk[names[-1]].notna().all())
    return LabelColumns(pd.concat(parts, ignore_index=True), {} if is_whole else short_rows(path, len(names), rows))


def column_types(schema: Any, names: Iterable[str]) -> dict[str, str]:
    """The Arrow types of Parquet columns. Raises ValueError for a column that is neither numbers nor text."""
    types = {name: str(schema.field(name).type) for name in names}
    for name, kind in types.items():
        if not kind.startswith(_READ):
            raise ValueError(f"column {name!r} holds {kind}, expected numbers or text")
    return types


def parquet(path: Path, text: Sequence[str] = ()) -> Any:
    """The open file. Equal cells of the `text` columns share their memory."""
    from pyarrow.parquet import ParquetFile

    return ParquetFile(path, read_dictionary=list(text))


def _read_parquet(
    path: Path, features: Sequence[str], labels: Sequence[str], take: Callable[[int, pd.DataFrame], None]
) -> LabelColumns:
    schema = parquet(path).schema_arrow
    types = column_types(schema, (*features, *labels))
    file = parquet(path, [name for name, kind in types.items() if kind in _TEXT])
    size, rows = path.stat().st_size, file.metadata.num_rows
    if rows > size or 8 * rows * len(types) > DEFLATED * size:
        raise ValueError(f"it claims {rows} rows of {len(types)} columns, more than the file can hold")
    start = 0
    for batch in file.iter_batches(max(1, _CELLS // len(features)), columns=list(features)) if features else ():
        take(start, batch.to_pandas(ignore_metadata=True))
        start += len(batch)
    frame = file.read(list(labels), use_pandas_metadata=False)
    return LabelColumns(frame.to_pandas(ignore_metadata=True, integer_object_nulls=True), {})

"""The columns of a CSV or Parquet file, as a pandas frame; no more memory is filled than the file can hold."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pandas as pd

from model.data.cells import MISSING
from model.data.room import DEFLATED

_MOST_COLUMNS: Final = 100_000
_LONGEST_HEADER: Final = 2**24
_CELLS: Final = 2**22
"""Cells of a CSV file that are read at a time."""
_TEXT: Final = ("string", "large_string")
_NUMBERS: Final = ("int", "uint", "halffloat", "float", "double", "bool")
_READ: Final = (*_NUMBERS, *_TEXT, *(f"dictionary<values={kind}," for kind in _TEXT))
"""How the types of Parquet columns that are read begin, as Arrow calls them."""


def column_names(path: Path) -> list[str]:
    """What the columns of the file at `path` are called, each once. Raises ValueError for a file that is broken."""
    with _one_sentence(path):
        names = _csv_header(path) if _is_csv(path) else _parquet(path).schema_arrow.names
        if not 0 < len(names) <= _MOST_COLUMNS:
            raise ValueError(f"it has {len(names)} columns, expected 1 to {_MOST_COLUMNS}")
        name, count = Counter(names).most_common(1)[0]
        if count > 1:
            raise ValueError(f"{count} columns are called {name!r}, expected each name once")
        return list(names)


def read_columns(path: Path, features: Sequence[str], labels: Sequence[str]) -> pd.DataFrame:
    """These columns; of a CSV file, labels are text. Raises ValueError, one sentence, for a file that is broken."""
    with _one_sentence(path):
        frame = _read_csv(path, features, labels) if _is_csv(path) else _read_parquet(path, features, labels)
        if not len(frame):
            raise ValueError("it has no rows")
        return frame


def _is_csv(path: Path) -> bool:
    return path.suffix.lower() == ".csv"


@contextmanager
def _one_sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # a broken file raises whatever its broken parts raise
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(f"{path} cannot be read: {reason}") from None


def _csv_header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader([file.readline(_LONGEST_HEADER)]), [])


def _read_csv(path: Path, features: Sequence[str], labels: Sequence[str]) -> pd.DataFrame:
    names, size, rows = _csv_header(path), path.stat().st_size, 0
    parts: list[pd.DataFrame] = []
    with pd.read_csv(
        path,
        dtype=dict.fromkeys(labels, str),
        na_values=sorted(MISSING),
        keep_default_na=False,
        low_memory=False,
        chunksize=max(1, _CELLS // len(names)),
        encoding="utf-8-sig",
    ) as chunks:
        for chunk in chunks:
            if len(chunk.columns) != len(names) or not isinstance(chunk.index, pd.RangeIndex):
                raise ValueError(f"its rows have more cells than its header, which has {len(names)}")
            rows += len(chunk)
            if rows * len(names) > size + 1:  # a cell takes a byte at least, with what ends it
                raise ValueError(f"its rows have fewer cells than its header, which has {len(names)}")
            chunk.columns = pd.Index(names)
            parts.append(chunk[[*features, *labels]])
    return pd.concat(parts, ignore_index=True)


def _parquet(path: Path, text: Sequence[str] = ()) -> Any:
    from pyarrow.parquet import ParquetFile

    return ParquetFile(path, read_dictionary=list(text))


def _read_parquet(path: Path, features: Sequence[str], labels: Sequence[str]) -> pd.DataFrame:
    schema = _parquet(path).schema_arrow
    types = {name: str(schema.field(name).type) for name in (*features, *labels)}
    for name, kind in types.items():
        if not kind.startswith(_READ):
            raise ValueError(f"column {name!r} holds {kind}, expected numbers or text")
    file = _parquet(path, [name for name, kind in types.items() if kind in _TEXT])  # equal text lies in memory once
    size, rows = path.stat().st_size, file.metadata.num_rows
    if rows > size or 8 * rows * len(types) > DEFLATED * size:
        raise ValueError(f"it claims {rows} rows of {len(types)} columns, more than the file can hold")
    frames = [
        file.read(list(columns), use_pandas_metadata=False).to_pandas(ignore_metadata=True, integer_object_nulls=exact)
        for columns, exact in ((features, False), (labels, True))
    ]
    found: pd.DataFrame = pd.concat(frames, axis=1)
    return found

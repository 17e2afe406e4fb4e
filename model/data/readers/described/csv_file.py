"""A CSV file as a whole: the names in its header, the sizes of its rows, and what is wrong with its text.

Pandas reads the cells. Messages count the header as row 1, as a spreadsheet does.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from pandas.errors import ParserError

_LONGEST_HEADER: Final = 2**24
_OTHER_SEPARATORS: Final = ";\t|"


class RowSizes(NamedTuple):
    """How many rows a file has, and those of another number of cells than the header has, with their number."""

    rows: int
    other: Mapping[int, int]


def csv_header(path: Path) -> list[str]:
    """The names of the columns. Raises ValueError if something else than a comma separates them."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        names = next(csv.reader([file.readline(_LONGEST_HEADER)]), [])
    separator = next((sign for sign in _OTHER_SEPARATORS if len(names) == 1 and sign in names[0]), None)
    if separator is not None:
        raise ValueError(f"row 1 is separated by {separator!r}, expected ','")
    return names


def csv_row_sizes(path: Path, width: int) -> RowSizes:
    """The sizes of the rows below a header of `width` cells. Raises ValueError if a row has more cells."""
    limit, rows, other = csv.field_size_limit(2**31 - 1), -1, dict[int, int]()  # the header comes first
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.reader(file):
                if not row or (len(row) == 1 and row[0].isspace()):
                    continue
                if len(row) > width:
                    cells = f"row {rows + 2} has {len(row)} cells, expected {width} as the header"
                    raise ValueError(f"{cells}; a cell that holds a comma needs quotes")
                if len(row) < width:
                    other[rows] = len(row)
                rows += 1
    finally:
        csv.field_size_limit(limit)
    return RowSizes(rows, other)


def short_rows(path: Path, width: int, rows: int) -> Mapping[int, int]:
    """The rows with fewer cells than `width`, and how many they have. Pandas found so many `rows`."""
    sizes = csv_row_sizes(path, width)
    if sizes.rows != rows:
        raise ValueError(f"it has {rows} rows or {sizes.rows}, as its quotes are read")
    return sizes.other


@contextmanager
def parsed(path: Path, width: int) -> Iterator[None]:
    """Rows of `path` that pandas cannot divide into `width` cells raise a ValueError that names the first of them."""
    try:
        yield
    except ParserError as error:
        sizes = csv_row_sizes(path, width)
        if "EOF inside string" in str(error):
            raise ValueError(f"row {sizes.rows + 1} opens a quote that nothing closes") from None
        raise ValueError(str(error).removeprefix("Error tokenizing data. C error: ")) from None

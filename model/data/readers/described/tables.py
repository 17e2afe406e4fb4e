"""Columns by the names and patterns that a description gives them. Axes: `N` rows, `D` columns of a modality."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.memory import zeros
from haemsa.model.data.readers.described.cells import Cells, listed, numbers, unlike
from haemsa.model.data.readers.described.columns import (
    column_names,
    list_columns,
    most_rows,
    one_sentence,
    parquet,
    read_columns,
)
from haemsa.model.data.readers.described.lists import read_lists
from haemsa.model.data.readers.described.samples import Samples
from haemsa.model.data.readers.options import Damage


@dataclass
class _Room:
    """Where columns are read to: features float32 [`rows` at most, 1, D]. problems: what is wrong, by row."""

    columns: list[str]
    rows: int
    features: NDArray[np.float32] = field(default_factory=lambda: zeros((0, 1, 0)))
    problems: dict[int, str] = field(default_factory=dict)

    def take(self, start: int, frame: pd.DataFrame) -> None:
        """Read the rows of `frame`, of which the first is row `start`."""
        if not start:  # by now, the file is known to be large enough
            self.features = zeros((self.rows, 1, len(self.columns)))
        for place, column in enumerate(self.columns):
            cells = _cells(frame[column])
            values, odd = numbers(cells)
            with np.errstate(over="ignore"):
                self.features[start : start + len(frame), 0, place] = values
            told = unlike(column, cells, "a number")
            for row in np.flatnonzero(odd).tolist():
                self.problems.setdefault(start + row, told(row))


class Table:
    """The columns that `features` and `labels` name in a CSV or Parquet file; rows count from 1, below any header.

    A pattern such as "text_*" names all columns that it fits. `features`: the names of each modality. Rows with fewer
    cells than the header are damaged. Raises ValueError, one sentence, for a file that cannot be read, a column that it
    lacks, or one that is named in both.
    """

    split_of: Sequence[str] | None = None  # a column tells, if anything does
    zeros_pad = False  # a cell that is missing is empty

    def __init__(
        self,
        path: Path,
        features: Sequence[str | tuple[str, ...]],
        labels: Iterable[str | tuple[str, ...]],
        damage: Damage,
    ) -> None:
        self._path = path
        self._names = dict.fromkeys(column_names(path))
        wanted, others = self._all(features), self._all(labels)
        if both := [name for name in wanted if name in others]:
            raise ValueError(f"{path}: column {both[0]!r} is a feature and has another use, expected one of them")
        lists, rows = list_columns(path), most_rows(path)
        plain = [column for column in wanted if column not in lists]
        self._rooms: dict[str | tuple[str, ...], list[_Room]] = {}
        for names in features:
            columns = self._find(names)
            if not lists.keys() & set(columns):
                self._rooms.setdefault(names, []).append(_Room(columns, rows))
            elif len(columns) > 1:
                raise ValueError(f"{path}: {listed(columns)} are not all single numbers, expected one column of lists")
        self._frame, short = read_columns(path, plain, others, self._take)
        self.samples = Samples(f"{path}: row", [str(row) for row in range(1, len(self._frame) + 1)], damage)
        width = len(self._names)
        self._damaged({row: f"it has {cells} cells, expected {width} as the header" for row, cells in short.items()})

    def features(self, names: str | tuple[str, ...]) -> RawModality:
        """[N, 1, D], NaN where a cell is missing; a row with a cell that is no number is damaged.

        Of a column of vectors, D is their size; a column of lists of vectors becomes [N, T, D]. To be asked for once
        per modality, whose features are its own.
        """
        if names not in self._rooms:
            with one_sentence(self._path):
                found, problems = read_lists(parquet(self._path), self._path, self._find(names)[0])
            self._damaged(problems)
            return found
        room = self._rooms[names].pop(0)
        self._damaged(room.problems)
        return RawModality(room.features[: len(self.samples)], np.ones(len(self.samples), dtype=np.int64))

    def absent(self, names: str | tuple[str, ...]) -> list[str]:  # noqa: ARG002 - as Arrays has it
        """The splits that lack these columns: none."""
        return []

    def cells(self, names: str | tuple[str, ...]) -> dict[str, Cells]:
        """The columns by their names."""
        return {column: _cells(self._frame[column]) for column in self._find(names)}

    def _take(self, start: int, frame: pd.DataFrame) -> None:
        for room in (room for rooms in self._rooms.values() for room in rooms):
            room.take(start, frame)

    def _damaged(self, problems: Mapping[int, str]) -> None:
        where = np.zeros(len(self.samples), dtype=bool)
        where[list(problems)] = True
        self.samples.damaged(where, problems.__getitem__)

    def _all(self, names: Iterable[str | tuple[str, ...]]) -> list[str]:
        return list(dict.fromkeys(column for one in names for column in self._find(one)))

    def _find(self, names: str | tuple[str, ...]) -> list[str]:
        """The columns that these names and patterns stand for."""
        found: list[str] = []
        for name in [names] if isinstance(names, str) else names:
            pattern = name.replace("[", "[[]")
            fits = [name] if name in self._names else [one for one in self._names if fnmatchcase(one, pattern)]
            if not fits:
                raise ValueError(f"{self._path} has no column {name!r}, it has {listed(self._names)}")
            found += fits
        return list(dict.fromkeys(found))


def _cells(column: pd.Series[Any]) -> Cells:
    if column.dtype.kind in "biuf":
        return np.asarray(column)
    if isinstance(column.dtype, pd.CategoricalDtype):  # equal text stays one object, and a missing cell has place -1
        names = np.array([*column.cat.categories, None], dtype=object)
        return np.asarray(names[np.asarray(column.cat.codes)])
    cells = np.array(column, dtype=object)
    cells[np.asarray(column.isna())] = None
    return cells

"""Columns, by the names and patterns in a description. Axes: `N` rows, `D` columns of a modality."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.readers.described.cells import Cells, numbers, unlike
from haemsa.model.data.readers.described.columns import (
    column_names,
    errors_naming,
    is_csv,
    list_columns,
    most_rows,
    parquet,
    read_columns,
)
from haemsa.model.data.readers.described.lists import read_lists
from haemsa.model.data.readers.described.samples import SoundSamples
from haemsa.model.data.readers.memory import zeros
from haemsa.model.data.readers.options import Damage
from haemsa.model.errors import listed, near


@dataclass
class _FeatureColumns:
    """The columns of one modality while they are read.

    Attributes:
        columns: Their names.
        rows: The most rows that the file can have.
        features: float32 [rows, 1, D].
        problems: What is wrong, by row.
    """

    columns: list[str]
    rows: int
    features: NDArray[np.float32] = field(default_factory=lambda: zeros((0, 1, 0)))
    problems: dict[int, str] = field(default_factory=dict)

    def take(self, start: int, frame: pd.DataFrame) -> None:
        """Read the rows of `frame`. The first of them is row `start`."""
        if not start:  # now the file is known to be large enough
            self.features = zeros((self.rows, 1, len(self.columns)))
        for place, column in enumerate(self.columns):
            cells = cells_of(frame[column])
            values, odd = numbers(cells)
            with np.errstate(over="ignore"):
                self.features[start : start + len(frame), 0, place] = values
            problem = unlike(column, cells, "a number")
            for row in np.flatnonzero(odd).tolist():
                self.problems.setdefault(start + row, problem(row))


class TableSource:
    """The columns of a CSV or Parquet file that a description names.

    A pattern such as "text_*" names all columns that match it. Rows with fewer cells than the header are damaged.

    Args:
        path: The file.
        features: The names or patterns of each modality.
        labels: The names or patterns of all other columns.
        damage: Counts damaged rows.

    Raises:
        ValueError: The file cannot be read, lacks a column, or a column is named as a feature and as a label. The
            message is one sentence.
    """

    split_of: Sequence[str] | None = None  # only a column can tell
    zeros_pad = False  # padding is an empty cell

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
        self._modalities: dict[str | tuple[str, ...], list[_FeatureColumns]] = {}
        for names in features:
            columns = self._find(names)
            if not lists.keys() & set(columns):
                self._modalities.setdefault(names, []).append(_FeatureColumns(columns, rows))
            elif len(columns) > 1:
                raise ValueError(f"{path}: {listed(columns)} are not all single numbers, expected one column of lists")
        self._frame, short = read_columns(path, plain, others, self._take)
        self.samples = rows_of(path, 0, len(self._frame), damage)
        width = len(self._names)
        self._mark_damaged(
            {row: f"it has {cells} cells, expected {width} as the header" for row, cells in short.items()}
        )

    def features(self, names: str | tuple[str, ...]) -> RawModality:
        """The features [N, 1, D], NaN where a cell is missing. A row with a cell that is no number is damaged.

        A column of vectors of size D becomes [N, 1, D], a column of lists of vectors [N, T, D]. It is called once for
        each modality, which owns its features.
        """
        if names not in self._modalities:
            with errors_naming(self._path):
                modality, problems = read_lists(parquet(self._path), self._path, self._find(names)[0])
            self._mark_damaged(problems)
            return modality
        columns = self._modalities[names].pop(0)
        self._mark_damaged(columns.problems)
        lengths = np.ones(len(self.samples), dtype=np.int64)
        return RawModality(columns.features[: len(self.samples)], lengths, tuple(columns.columns))

    def absent(self, names: str | tuple[str, ...]) -> list[str]:  # noqa: ARG002 - as in ArraySource
        """The splits that lack these columns: none."""
        return []

    def cells(self, names: str | tuple[str, ...]) -> dict[str, Cells]:
        """The columns of labels by their names."""
        return {column: cells_of(self._frame[column]) for column in self._find(names)}

    def _take(self, start: int, frame: pd.DataFrame) -> None:
        for columns in (columns for modalities in self._modalities.values() for columns in modalities):
            columns.take(start, frame)

    def _mark_damaged(self, problems: Mapping[int, str]) -> None:
        where = np.zeros(len(self.samples), dtype=bool)
        where[list(problems)] = True
        self.samples.mark_damaged(where, problems.__getitem__)

    def _all(self, names: Iterable[str | tuple[str, ...]]) -> list[str]:
        """The columns that all these names and patterns stand for, each once."""
        return list(dict.fromkeys(column for patterns in names for column in self._find(patterns)))

    def _find(self, names: str | tuple[str, ...]) -> list[str]:
        """The columns that the names and patterns of one modality or label stand for, each once."""
        columns: list[str] = []
        for name in [names] if isinstance(names, str) else names:
            found = matching(name, self._names)
            if not found:
                meant = near(name, self._names)
                raise ValueError(f"{self._path} has no column {name!r}{meant}, it has {listed(self._names)}")
            columns += found
        return list(dict.fromkeys(columns))


def rows_of(path: Path, start: int, count: int, damage: Damage) -> SoundSamples:
    """The rows of a table from `start` on, which are called 1, 2, ...

    Messages count the header of a CSV file as row 1, as a spreadsheet does.
    """
    names, header = range(start + 1, start + count + 1), int(is_csv(path))
    return SoundSamples(f"{path}: row", list(map(str, names)), damage, [str(row + header) for row in names])


def matching(name: str, columns: Collection[str]) -> list[str]:
    """The columns that a name or a pattern stands for, in the table's order."""
    pattern = name.replace("[", "[[]")
    return [name] if name in columns else [title for title in columns if fnmatchcase(title, pattern)]


def cells_of(column: pd.Series[Any]) -> Cells:
    """The cells of a column: numbers, or objects that are None where a cell is missing."""
    if column.dtype.kind in "biuf":
        return np.asarray(column)
    if isinstance(column.dtype, pd.CategoricalDtype):  # equal text stays one object; a missing cell has the code -1
        names = np.array([*column.cat.categories, None], dtype=object)
        return np.asarray(names[np.asarray(column.cat.codes)])
    cells = np.array(column, dtype=object)
    cells[np.asarray(column.isna())] = None
    return cells

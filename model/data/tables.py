"""Columns by the names and patterns that a description gives them. Axes: `N` rows, `D` columns of a modality."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.data.cells import Cells, listed, numbers, unlike
from model.data.columns import column_names, read_columns
from model.data.reading import Damage
from model.data.samples import Samples
from model.data.scratch import zeros


class Table:
    """The columns that `features` and `labels` name in a CSV or Parquet file; rows count from 1, below any header.

    A pattern such as "text_*" names all columns that it fits. Raises ValueError, one sentence, for a file that cannot
    be read, a column that it lacks, or one that is named in both.
    """

    split_of: Sequence[str] | None = None  # a column tells, if anything does
    zeros_pad = False  # a cell that is missing is empty

    def __init__(
        self,
        path: Path,
        features: Iterable[str | tuple[str, ...]],
        labels: Iterable[str | tuple[str, ...]],
        damage: Damage,
    ) -> None:
        self._path = path
        self._names = dict.fromkeys(column_names(path))
        wanted, others = self._all(features), self._all(labels)
        if both := [name for name in wanted if name in others]:
            raise ValueError(f"{path}: column {both[0]!r} is a feature and has another use, expected one of them")
        self._frame = read_columns(path, wanted, others)
        self.samples = Samples(f"{path}: row", [str(row) for row in range(1, len(self._frame) + 1)], damage)

    def features(self, names: str | tuple[str, ...]) -> NDArray[np.float32]:
        """float32 [N, 1, D], NaN where a cell is missing; a row with a cell that is no number is damaged."""
        columns = self._find(names)
        room = zeros((len(self.samples), 1, len(columns)))
        for place, column in enumerate(columns):
            cells = self._cells(column)
            values, odd = numbers(cells)
            self.samples.damaged(odd, unlike(column, cells, "a number"))
            with np.errstate(over="ignore"):
                room[:, 0, place] = values
        return room

    def absent(self, names: str | tuple[str, ...]) -> list[str]:  # noqa: ARG002 - as Arrays has it
        """The splits that lack these columns: none."""
        return []

    def cells(self, names: str | tuple[str, ...]) -> dict[str, Cells]:
        """The columns by their names."""
        return {column: self._cells(column) for column in self._find(names)}

    def _cells(self, column: str) -> Cells:
        found = self._frame[column]
        if found.dtype.kind in "biuf":
            return np.asarray(found)
        if isinstance(found.dtype, pd.CategoricalDtype):  # equal text stays one object, and a missing cell has place -1
            names = np.array([*found.cat.categories, None], dtype=object)
            return np.asarray(names[np.asarray(found.cat.codes)])
        cells = np.array(found, dtype=object)
        cells[np.asarray(found.isna())] = None
        return cells

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

"""The rows of a table as new samples, some at a time. Axes: `n` rows of a block, `T` time steps, `D` features."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.readers.described.blocks import RowBlock, row_blocks
from haemsa.model.data.readers.described.cells import numbers, unlike, words
from haemsa.model.data.readers.described.columns import row_sizes
from haemsa.model.data.readers.described.description import Description
from haemsa.model.data.readers.described.features import given_lengths, splits_in
from haemsa.model.data.readers.described.lists import block_of_lists
from haemsa.model.data.readers.described.samples import SoundSamples
from haemsa.model.data.readers.described.tables import cells_of, rows_of
from haemsa.model.data.readers.options import Damage
from haemsa.model.data.samples import Samples
from haemsa.model.predictor.new_samples.clips import Encoding, beside
from haemsa.model.predictor.new_samples.columns import TableColumns, columns_for
from haemsa.model.predictor.new_samples.new_samples import NewSamples
from haemsa.model.schema import Schema


def new_rows(
    path: Path,
    name: str,
    schema: Schema,
    description: Description | None,
    as_trained: Callable[[], Dataset] | None,
    *,
    skip: bool,
    encoding: Encoding | None = None,
) -> NewSamples:
    """The rows of a CSV or Parquet file.

    Args:
        path: The file.
        name: What the data is called.
        schema: The modalities of the model.
        description: Says which columns are which modality; None: the names that the model knows.
        as_trained: Reads the data as training does (`NewSamples`).
        skip: Leave damaged rows out and count them. Otherwise the first one is an error.
        encoding: Encodes the clips that the rows tell of beside their features.

    Raises:
        ValueError: The file cannot be read, or lacks columns. The message is one sentence.
    """
    columns = columns_for(path, schema, description)
    table = _Table(path, schema, columns, skip=skip)
    return NewSamples(
        name,
        schema,
        row_sizes(path).rows,
        has_splits=columns.split is not None,
        blocks=table.blocks if encoding is None else lambda: beside(table.blocks(), encoding),
        notes=lambda: (*table.damage.notes(), *(encoding.notes() if encoding else ())),
        as_trained=as_trained,
        files=[path, *(encoding.files if encoding else ())],
    )


class _Table:
    """Reads one table."""

    def __init__(self, path: Path, schema: Schema, columns: TableColumns, *, skip: bool) -> None:
        self._path, self._schema, self._columns, self._skip = path, schema, columns, skip
        self.damage = Damage(skip=skip)

    def blocks(self) -> Iterator[Samples]:
        self.damage = Damage(skip=self._skip, command="haemsa predict")
        plain = list(dict.fromkeys(column for columns in self._columns.numbers.values() for column in columns))
        sizes = row_sizes(self._path).other
        short = {row: f"it has {cells} cells, fewer than the header" for row, cells in sizes.items()}
        for block in row_blocks(self._path, plain, self._columns.text, list(self._columns.lists.values())):
            rows = rows_of(self._path, block.start, block.count, self.damage)
            _mark(rows, {row - block.start: problem for row, problem in short.items()})
            samples = self._samples(block, rows)
            yield samples if len(rows.sound) == block.count else samples.take(rows.sound)

    def _samples(self, block: RowBlock, rows: SoundSamples) -> Samples:
        modalities = {name: _numbers(block.numbers, columns, rows) for name, columns in self._columns.numbers.items()}
        for name, column in self._columns.lists.items():
            most, width = self._schema.modalities[name]
            modalities[name], problems = block_of_lists(block.lists[column], column, most, width)
            _mark(rows, problems)
        for name, column in self._columns.lengths.items():
            raw, cells = modalities[name], cells_of(block.text[column])
            lengths, _ = given_lengths(column, cells, raw.lengths > 0, raw.lengths, rows)
            modalities[name] = RawModality(raw.features, lengths, raw.columns)
        return Samples(modalities, self._ids(block.text, rows), self._splits(block.text))

    def _ids(self, text: pd.DataFrame, rows: SoundSamples) -> tuple[str, ...]:
        """The name of each row: its id, or its number, from 1."""
        if (column := self._columns.ids) is None:
            return tuple(rows.names)
        cells = cells_of(text[column])
        ids = words(cells)
        rows.mark_damaged(np.array([not name for name in ids], dtype=bool), unlike(column, cells, "a name"))
        return tuple(ids)

    def _splits(self, text: pd.DataFrame) -> tuple[str, ...] | None:
        if (column := self._columns.split) is None:
            return None
        return tuple(splits_in(cells_of(text[column])))


def _numbers(frame: pd.DataFrame, columns: tuple[str, ...], rows: SoundSamples) -> RawModality:
    """The features [n, 1, D] of some columns, NaN where a cell is missing. A cell that is no number is damage."""
    features = np.empty((len(rows), 1, len(columns)), np.float32)
    for place, column in enumerate(columns):
        cells = cells_of(frame[column])
        values, odd = numbers(cells)
        with np.errstate(over="ignore"):
            features[:, 0, place] = values
        rows.mark_damaged(odd, unlike(column, cells, "a number"))
    return RawModality(features, np.ones(len(rows), dtype=np.int64), columns)


def _mark(rows: SoundSamples, problems: dict[int, str]) -> None:
    """Mark the rows with problems as damaged; those of other blocks do not count."""
    mine = {row: problem for row, problem in problems.items() if 0 <= row < len(rows)}
    where: NDArray[np.bool_] = np.zeros(len(rows), dtype=bool)
    where[list(mine)] = True
    rows.mark_damaged(where, mine.__getitem__)

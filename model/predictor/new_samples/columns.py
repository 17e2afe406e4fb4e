"""Which columns of a table a model reads: a description says it, or the names that the model knows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from haemsa.model.data.readers.described.columns import column_names, list_columns
from haemsa.model.data.readers.described.description import Description
from haemsa.model.data.readers.described.tables import matching
from haemsa.model.errors import listed
from haemsa.model.schema import Schema

_ID: Final = "id"
"""The column of ids, if no description says which it is."""


@dataclass(frozen=True)
class TableColumns:
    """The columns of one table that are read.

    Attributes:
        numbers: For each modality of single numbers, its columns, in the model's order.
        lists: For each modality whose cells are lists, its column.
        lengths: The column of lengths, for modalities that have one.
        ids: The column of ids, if there is one.
        split: The column that says the split of a sample, if there is one.
    """

    numbers: Mapping[str, tuple[str, ...]]
    lists: Mapping[str, str]
    lengths: Mapping[str, str]
    ids: str | None
    split: str | None

    @property
    def text(self) -> list[str]:
        """The columns that are no features."""
        return list(dict.fromkeys(filter(None, (self.ids, self.split, *self.lengths.values()))))


def columns_for(path: Path, schema: Schema, description: Description | None) -> TableColumns:
    """Find the columns of a model in the table at `path`.

    A modality is absent if none of its columns is there. A description without the column of splits has none.

    Raises:
        ValueError: The table has none of the modalities, or lacks some columns of one, or the column of ids.
    """
    names, in_lists = column_names(path), list_columns(path)
    numbers, lists, lengths = dict[str, tuple[str, ...]](), dict[str, str](), dict[str, str]()
    for modality in schema.modalities:
        found = _found(modality, schema, description, names, in_lists)
        if in_lists.keys() & set(found):
            if len(found) > 1:
                raise ValueError(f"{path}: {listed(found)} are not all single numbers, expected one column of lists")
            lists[modality] = found[0]
        elif found:
            places = schema.places_of(modality, found, len(found))
            numbers[modality] = tuple(found if places is None else [found[place] for place in places])
        entry = None if description is None else description.modalities.get(modality)
        if found and entry is not None and entry.lengths is not None:
            lengths[modality] = entry.lengths
    if not numbers and not lists:
        raise ValueError(_nothing(path, schema, description, names))
    ids = (_ID if _ID in names else None) if description is None else description.ids
    for column in (*filter(None, [ids]), *lengths.values()):
        if column not in names:
            raise ValueError(f"{path} has no column {column!r}, it has {listed(names)}")
    split = None if description is None else description.split
    return TableColumns(numbers, lists, lengths, ids, split if split in names else None)


def _found(
    modality: str, schema: Schema, description: Description | None, names: list[str], lists: Collection[str]
) -> list[str]:
    """The columns of a modality in the table's order; none if it is absent."""
    if description is None:
        known = set(schema.columns.get(modality, ()))
        return [modality] if modality in lists else [name for name in names if name in known]
    entry = description.modalities.get(modality)
    patterns = () if entry is None else [entry.from_] if isinstance(entry.from_, str) else entry.from_
    return list(dict.fromkeys(column for pattern in patterns for column in matching(pattern, names)))


def _nothing(path: Path, schema: Schema, description: Description | None, names: list[str]) -> str:
    modalities = f"{path} has no column of the model's modalities {', '.join(schema.modalities)}"
    if description is None and not schema.columns:
        return f"{modalities}, whose columns have no names in the model: a YAML file next to it must name them"
    expected = [column for columns in schema.columns.values() for column in columns]
    return f"{modalities}; it has {listed(names)}" + (f", and the model knows {listed(expected)}" if expected else "")

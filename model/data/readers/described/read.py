"""Arrays or a table, with a YAML file that says what they are, become a `Dataset`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.dataset import SPLITS, Dataset, Task
from haemsa.model.data.readers.assemble import assemble
from haemsa.model.data.readers.described.cells import Cells, numbers, unlike, words
from haemsa.model.data.readers.described.description import SPLIT, VALID, Description, ModalityEntry, read_description
from haemsa.model.data.readers.described.samples import Samples
from haemsa.model.data.readers.described.targets import make_tasks
from haemsa.model.data.readers.options import AS_IT_IS, Damage, Reading, within
from haemsa.model.data.readers.padding import to_front
from haemsa.model.data.readers.trimming import keep, shorten
from haemsa.model.data.splitting import with_validation
from haemsa.model.data.steps import blocks

SOURCES: Final = (".npz", ".csv", ".parquet")


class DescribedSource(Protocol):
    """The arrays or columns that a description names. Axes: `N` samples, `T` steps, `D` features.

    Attributes:
        samples: The samples, and which of them are damaged.
        split_of: The split of each sample, if each split has arrays of its own.
        zeros_pad: Whether steps that are all zero, at the end or in front of a sample, are padding.
    """

    samples: Samples
    split_of: Sequence[str] | None
    zeros_pad: bool

    def features(self, names: str | tuple[str, ...]) -> RawModality:
        """Features [N, T, D]. Steps that may be padding are among them."""

    def absent(self, names: str | tuple[str, ...]) -> list[str]:
        """The splits that lack these features."""

    def cells(self, names: str | tuple[str, ...]) -> dict[str, Cells]:
        """Columns [N] of labels, ids, groups, splits or lengths."""


def read(path: Path, reading: Reading = AS_IT_IS) -> Dataset:
    """Read what the YAML file at `path` describes.

    Raises:
        ValueError: Description and source do not fit each other, or a sample is damaged (unless damage is skipped). The
            message is one sentence.
    """
    description, damage, notes = read_description(path), Damage(skip=reading.skip_damaged), list[str]()
    with within(str(path)):
        source = _open(path.parent, description, damage)
        raw = {
            name: _modality(name, entry, source, reading.steps, notes) for name, entry in description.modalities.items()
        }
        tasks = _tasks(description, source)
        ids = _texts("ids", description.ids, source) or source.samples.names
        groups = _texts("groups", description.groups, source)
        split_of = _split_names(description.split, source) or source.split_of
        sound = source.samples.sound  # nothing is read after this, so no more damage is found
        if not len(sound):
            raise ValueError("no sample is left")
        tasks = {name: task.take(sound) for name, task in tasks.items()}
        ids = [ids[sample] for sample in sound]
        groups = None if groups is None else [groups[sample] for sample in sound]
        splits = (
            None
            if split_of is None
            else _splits([split_of[sample] for sample in sound], groups, description.seed, notes)
        )
        return assemble(
            path.stem,
            {name: keep(modality, sound) for name, modality in raw.items()},
            tasks,
            ids,
            groups=groups,
            splits=splits,
            sizes=description.shares,
            seed=description.seed,
            notes=[*notes, *_repeated(ids), *_missing(tasks), *damage.notes()],
        )


def _open(folder: Path, description: Description, damage: Damage) -> DescribedSource:
    path = folder / description.source
    kind = path.suffix.lower()
    if kind not in SOURCES:
        raise ValueError(f"source is {description.source!r}, expected a file that ends in {', '.join(SOURCES)}")
    if not path.is_file():
        raise ValueError(f"source is {description.source!r}, but there is no file '{path}'")
    if kind == ".npz":
        from haemsa.model.data.readers.described.arrays import ArraySource

        return ArraySource(path, description.names, damage)
    if description.by_split:
        raise ValueError(f"{SPLIT} is for arrays, expected split: and the column of {path.name} that says which")
    from haemsa.model.data.readers.described.tables import TableSource

    return TableSource(path, description.features, description.labels, damage)


def _modality(
    name: str, entry: ModalityEntry, source: DescribedSource, steps: int | None, notes: list[str]
) -> RawModality:
    with within(f"modalities.{name}"):
        raw = source.features(entry.from_)
        notes += [f"{name}: absent in the whole split {split!r}" for split in source.absent(entry.from_)]
        lengths = None if entry.lengths is None else _lengths(name, entry.lengths, source, raw, notes)
        if source.zeros_pad:
            lengths = to_front(name, raw.features, lengths, notes)
        elif lengths is None:
            lengths = raw.lengths
        return shorten(name, replace(raw, lengths=lengths), steps, notes)


def _lengths(name: str, column: str, source: DescribedSource, raw: RawModality, notes: list[str]) -> NDArray[np.int64]:
    """The given lengths, cut to the steps that exist. Samples that are all zero, or have no steps, need no length."""
    cells = _single(column, source)
    values, odd = numbers(cells)
    present = _filled(raw.features) if source.zeros_pad else raw.lengths > 0
    odd = present & (odd | ~(values >= 0) | (np.floor(values) != values))
    source.samples.mark_damaged(odd, unlike(column, cells, "a whole number from 0"))
    longer = present & (values > raw.lengths)
    if longer.any():
        notes.append(f"{name}: {longer.sum()} lengths cut to the steps that there are")
    return np.where(present & ~odd & ~longer, values, raw.lengths).astype(np.int64)


def _filled(features: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which samples are not all zero, [N]."""
    return np.concatenate([features[block].any(axis=(1, 2)) for block in blocks(features.shape)])


def _tasks(description: Description, source: DescribedSource) -> dict[str, Task]:
    tasks: dict[str, Task] = {}
    for name, entry in description.tasks.items():
        with within(f"tasks.{name}"):
            made = make_tasks(name, entry, source.cells(entry.from_), source.samples)
            if twice := made.keys() & tasks.keys():
                raise ValueError(f"two tasks are called {min(twice)!r}, expected names of their own")
            tasks |= made
    return tasks


def _missing(tasks: dict[str, Task]) -> list[str]:
    counts = {name: int((~task.labelled).sum()) for name, task in tasks.items()}
    return [f"{name}: {count} labels missing" for name, count in counts.items() if count]


def _repeated(ids: Sequence[str]) -> list[str]:
    several = [name for name, count in Counter(ids).items() if count > 1]
    return [f"ids: {len(several)} names are of several samples, such as {several[0]!r}"] if several else []


def _texts(key: str, column: str | None, source: DescribedSource) -> list[str] | None:
    """The name of each sample in a column (None without a column). A sample without a name is damaged."""
    if column is None:
        return None
    with within(key):
        cells = _single(column, source)
        names = words(cells)
        source.samples.mark_damaged(np.array([not name for name in names]), unlike(column, cells, "a name"))
        return names


def _split_names(column: str | None, source: DescribedSource) -> list[str] | None:
    """The split of each sample in a column (None without a column). A sample without a split is damaged."""
    if column is None:
        return None
    with within("split"):
        cells = _single(column, source)
        names = ["valid" if text in VALID else text for text in words(cells)]
        unknown = np.array([name not in SPLITS for name in names])
        source.samples.mark_damaged(unknown, unlike(column, cells, " or ".join(SPLITS)))
        return names


def _single(column: str, source: DescribedSource) -> Cells:
    columns = source.cells(column)
    if len(columns) != 1:
        raise ValueError(f"{column!r} has {len(columns)} columns, expected one")
    return next(iter(columns.values()))


def _splits(
    split_of: Sequence[str], groups: Sequence[str] | None, seed: int, notes: list[str]
) -> dict[str, NDArray[np.int64]]:
    """The splits of the data. If it has no validation split, one is made of training, in whole groups."""
    splits = {split: np.flatnonzero([name == split for name in split_of]).astype(np.int64) for split in SPLITS}
    for split, indices in splits.items():
        if not len(indices) and split != "valid":
            raise ValueError(f"split {split!r} has no sample, expected {', '.join(SPLITS)}")
    return splits if len(splits["valid"]) else with_validation(splits, groups, "group", notes, seed)

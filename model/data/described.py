"""Any arrays or table with a YAML file that says what they are: description and source become a `Dataset`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from model.data.assemble import assemble, numbered
from model.data.cells import Cells, numbers, unlike, words
from model.data.cleaning import RawModality, last_step
from model.data.dataset import SPLITS, Dataset, Task
from model.data.description import SPLIT, Description, ModalityEntry, read_description
from model.data.reading import Damage, Reading
from model.data.samples import Samples
from model.data.splitting import make_splits
from model.data.targets import make_tasks

SOURCES: Final = (".npz", ".csv", ".parquet")
_AS_IT_IS: Final = Reading()


class Source(Protocol):
    """What a description speaks of, by name: arrays or columns. Axes: `N` samples, `T` steps, `D` features.

    split_of: the split of each sample, if every split has arrays of its own. zeros_pad: whether steps that are all zero
    at the end of a sample are none.
    """

    samples: Samples
    split_of: Sequence[str] | None
    zeros_pad: bool

    def features(self, names: str | tuple[str, ...]) -> NDArray[np.float32]:
        """float32 [N, T, D]."""

    def absent(self, names: str | tuple[str, ...]) -> list[str]:
        """The splits that have no such features."""

    def cells(self, names: str | tuple[str, ...]) -> dict[str, Cells]:
        """Columns [N] of labels, ids, groups, splits or lengths."""


def read(path: Path, reading: Reading = _AS_IT_IS) -> Dataset:
    """Read what the YAML file at `path` describes. Raises ValueError, one sentence, for anything that does not fit."""
    description, damage, notes = read_description(path), Damage(skip=reading.skip_damaged), list[str]()
    with _within(str(path)):
        source = _open(path.parent, description, damage)
        raw = {name: _modality(name, entry, source, notes) for name, entry in description.modalities.items()}
        tasks = _tasks(description, source)
        ids = _texts("ids", description.ids, source) or source.samples.names
        groups = _texts("groups", description.groups, source)
        split_of = _texts("split", description.split, source, SPLITS) or source.split_of
        sound = source.samples.sound  # all that can be damaged is read now
        if not len(sound):
            raise ValueError("no sample is left")
        tasks = {name: task.take(sound) for name, task in tasks.items()}
        groups = None if groups is None else [groups[sample] for sample in sound]
        if split_of is None:
            splits = _made(description, groups, len(sound), notes)
        else:
            splits = _given([split_of[sample] for sample in sound])
        return assemble(
            path.stem,
            {name: _take(modality, sound) for name, modality in raw.items()},
            tasks,
            [ids[sample] for sample in sound],
            groups=groups,
            splits=splits,
            notes=[*notes, *_missing(tasks), *damage.notes()],
        )


@contextmanager
def _within(place: str) -> Iterator[None]:
    """Errors say where they were found."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _open(folder: Path, description: Description, damage: Damage) -> Source:
    path = folder / description.source
    kind = path.suffix.lower()
    if kind not in SOURCES:
        raise ValueError(f"source is {description.source!r}, expected a file that ends in {', '.join(SOURCES)}")
    if not path.is_file():
        raise ValueError(f"source is {description.source!r}, but there is no file '{path}'")
    if kind == ".npz":
        from model.data.arrays import Arrays

        return Arrays(path, description.names, damage)
    if description.by_split:
        raise ValueError(f"{SPLIT} is for arrays, expected split: and the column of {path.name} that says which")
    from model.data.tables import Table

    return Table(path, description.features, description.labels, damage)


def _modality(name: str, entry: ModalityEntry, source: Source, notes: list[str]) -> RawModality:
    with _within(f"modalities.{name}"):
        features = source.features(entry.from_)
        notes += [f"{name}: absent in the whole split {split!r}" for split in source.absent(entry.from_)]
        lengths = last_step(features) if source.zeros_pad else np.ones(len(features), dtype=np.int64)
        if entry.lengths is not None:
            lengths = _lengths(name, entry.lengths, source, lengths, features.shape[1], notes)
        return RawModality(features, lengths)


def _lengths(
    name: str, column: str, source: Source, last: NDArray[np.int64], steps: int, notes: list[str]
) -> NDArray[np.int64]:
    """Given lengths, at most `steps`; samples whose `last` step is none stay absent."""
    cells = _single(column, source)
    values, odd = numbers(cells)
    odd = (last > 0) & (odd | ~(values >= 0) | (np.floor(values) != values))
    source.samples.damaged(odd, unlike(column, cells, "a whole number from 0"))
    longer = (last > 0) & (values > steps)
    if longer.any():
        notes.append(f"{name}: {longer.sum()} lengths cut to {steps} steps")
    return np.where((last == 0) | odd, 0, np.minimum(values, steps)).astype(np.int64)


def _tasks(description: Description, source: Source) -> dict[str, Task]:
    tasks: dict[str, Task] = {}
    for name, entry in description.tasks.items():
        with _within(f"tasks.{name}"):
            made = make_tasks(name, entry, source.cells(entry.from_), source.samples)
            if twice := made.keys() & tasks.keys():
                raise ValueError(f"two tasks are called {min(twice)!r}, expected names of their own")
            tasks |= made
    return tasks


def _missing(tasks: dict[str, Task]) -> list[str]:
    counts = {name: int((~task.labelled).sum()) for name, task in tasks.items()}
    return [f"{name}: {count} labels missing" for name, count in counts.items() if count]


def _texts(key: str, column: str | None, source: Source, allowed: Sequence[str] = ()) -> list[str] | None:
    """Names, one per sample, any or those `allowed`; a sample without is damaged. None without a column."""
    if column is None:
        return None
    with _within(key):
        cells = _single(column, source)
        found = words(cells)
        odd = np.array([text not in allowed if allowed else not text for text in found])
        source.samples.damaged(odd, unlike(column, cells, " or ".join(allowed) or "a name"))
        return found


def _single(column: str, source: Source) -> Cells:
    columns = source.cells(column)
    if len(columns) != 1:
        raise ValueError(f"{column!r} has {len(columns)} columns, expected one")
    return next(iter(columns.values()))


def _made(
    description: Description, groups: Sequence[str] | None, count: int, notes: list[str]
) -> dict[str, NDArray[np.int64]]:
    """Splits for data without."""
    members = np.arange(count, dtype=np.int64) if groups is None else numbered(groups)
    splits = make_splits(members, description.shares, description.seed)
    sizes = ", ".join(f"{split} {len(indices)}" for split, indices in splits.items())
    notes.append(f"splits made of whole groups with seed {description.seed}: {sizes}")
    return splits


def _given(split_of: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    for split in SPLITS:
        if split not in split_of:
            raise ValueError(f"split {split!r} has no sample, expected {', '.join(SPLITS)}")
    return {split: np.flatnonzero([one == split for one in split_of]).astype(np.int64) for split in SPLITS}


def _take(modality: RawModality, samples: NDArray[np.int64]) -> RawModality:
    if len(samples) == len(modality.lengths):
        return modality  # as large as they may be, features are not copied without need
    return RawModality(modality.features[samples], modality.lengths[samples])

"""Any arrays or table with a YAML file that says what they are: description and source become a `Dataset`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
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
from haemsa.model.data.readers.options import Damage, Reading, within
from haemsa.model.data.readers.padding import to_front
from haemsa.model.data.readers.trimming import keep, shorten
from haemsa.model.data.splitting import with_validation
from haemsa.model.data.steps import blocks

SOURCES: Final = (".npz", ".csv", ".parquet")
_AS_IT_IS: Final = Reading()


class Source(Protocol):
    """What a description speaks of, by name: arrays or columns. Axes: `N` samples, `T` steps, `D` features.

    split_of: the split of each sample, if every split has arrays of its own. zeros_pad: whether steps that are all zero
    at the end, or in front, of a sample are none.
    """

    samples: Samples
    split_of: Sequence[str] | None
    zeros_pad: bool

    def features(self, names: str | tuple[str, ...]) -> RawModality:
        """Features [N, T, D], with all steps that may be some."""

    def absent(self, names: str | tuple[str, ...]) -> list[str]:
        """The splits that have no such features."""

    def cells(self, names: str | tuple[str, ...]) -> dict[str, Cells]:
        """Columns [N] of labels, ids, groups, splits or lengths."""


def read(path: Path, reading: Reading = _AS_IT_IS) -> Dataset:
    """Read what the YAML file at `path` describes. Raises ValueError, one sentence, for anything that does not fit."""
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
        sound = source.samples.sound  # all that can be damaged is read now
        if not len(sound):
            raise ValueError("no sample is left")
        tasks = {name: task.take(sound) for name, task in tasks.items()}
        ids = [ids[sample] for sample in sound]
        groups = None if groups is None else [groups[sample] for sample in sound]
        splits = (
            None
            if split_of is None
            else _given([split_of[sample] for sample in sound], groups, description.seed, notes)
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


def _open(folder: Path, description: Description, damage: Damage) -> Source:
    path = folder / description.source
    kind = path.suffix.lower()
    if kind not in SOURCES:
        raise ValueError(f"source is {description.source!r}, expected a file that ends in {', '.join(SOURCES)}")
    if not path.is_file():
        raise ValueError(f"source is {description.source!r}, but there is no file '{path}'")
    if kind == ".npz":
        from haemsa.model.data.readers.described.arrays import Arrays

        return Arrays(path, description.names, damage)
    if description.by_split:
        raise ValueError(f"{SPLIT} is for arrays, expected split: and the column of {path.name} that says which")
    from haemsa.model.data.readers.described.tables import Table

    return Table(path, description.features, description.labels, damage)


def _modality(name: str, entry: ModalityEntry, source: Source, steps: int | None, notes: list[str]) -> RawModality:
    with within(f"modalities.{name}"):
        found = source.features(entry.from_)
        notes += [f"{name}: absent in the whole split {split!r}" for split in source.absent(entry.from_)]
        lengths = None if entry.lengths is None else _lengths(name, entry.lengths, source, found, notes)
        if source.zeros_pad:
            lengths = to_front(name, found.features, lengths, notes)
        elif lengths is None:
            lengths = found.lengths
        return shorten(name, RawModality(found.features, lengths), steps, notes)


def _lengths(name: str, column: str, source: Source, found: RawModality, notes: list[str]) -> NDArray[np.int64]:
    """Given lengths, at most those found; samples that are all zero, or have no steps, need none."""
    cells = _single(column, source)
    values, odd = numbers(cells)
    present = _filled(found.features) if source.zeros_pad else found.lengths > 0
    odd = present & (odd | ~(values >= 0) | (np.floor(values) != values))
    source.samples.damaged(odd, unlike(column, cells, "a whole number from 0"))
    longer = present & (values > found.lengths)
    if longer.any():
        notes.append(f"{name}: {longer.sum()} lengths cut to the steps that there are")
    return np.where(present & ~odd & ~longer, values, found.lengths).astype(np.int64)


def _filled(features: NDArray[np.float32]) -> NDArray[np.bool_]:
    """[N], where a sample is not all zero."""
    return np.concatenate([features[block].any(axis=(1, 2)) for block in blocks(features.shape)])


def _tasks(description: Description, source: Source) -> dict[str, Task]:
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


def _texts(key: str, column: str | None, source: Source) -> list[str] | None:
    """Names, one per sample; a sample without is damaged. None without a column."""
    if column is None:
        return None
    with within(key):
        cells = _single(column, source)
        found = words(cells)
        source.samples.damaged(np.array([not text for text in found]), unlike(column, cells, "a name"))
        return found


def _split_names(column: str | None, source: Source) -> list[str] | None:
    """The split of each sample; one without is damaged. None without a column."""
    if column is None:
        return None
    with within("split"):
        cells = _single(column, source)
        found = ["valid" if text in VALID else text for text in words(cells)]
        odd = np.array([text not in SPLITS for text in found])
        source.samples.damaged(odd, unlike(column, cells, " or ".join(SPLITS)))
        return found


def _single(column: str, source: Source) -> Cells:
    columns = source.cells(column)
    if len(columns) != 1:
        raise ValueError(f"{column!r} has {len(columns)} columns, expected one")
    return next(iter(columns.values()))


def _given(
    split_of: Sequence[str], groups: Sequence[str] | None, seed: int, notes: list[str]
) -> dict[str, NDArray[np.int64]]:
    """The splits that the data has; without a validation split, about a tenth of training is one, in whole groups."""
    splits = {split: np.flatnonzero([one == split for one in split_of]).astype(np.int64) for split in SPLITS}
    for split, indices in splits.items():
        if not len(indices) and split != "valid":
            raise ValueError(f"split {split!r} has no sample, expected {', '.join(SPLITS)}")
    return splits if len(splits["valid"]) else with_validation(splits, groups, "group", notes, seed)

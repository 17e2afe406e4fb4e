"""Arrays or a table, with a YAML file that says what they are, become a `Dataset`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import SPLITS, Dataset, Task
from haemsa.model.data.readers.assemble import Draft
from haemsa.model.data.readers.described.description import MODALITIES, SPLIT, TASKS, Description, read_description
from haemsa.model.data.readers.described.features import DescribedSource, read_modality, split_names, texts
from haemsa.model.data.readers.described.targets import make_tasks
from haemsa.model.data.readers.options import AS_IT_IS, Damage, Reading, within
from haemsa.model.data.readers.trimming import keep
from haemsa.model.data.splitting import with_validation
from haemsa.model.errors import near

SOURCES: Final = (".npz", ".csv", ".parquet")


def read(path: Path, reading: Reading = AS_IT_IS) -> Dataset:
    """Read what the YAML file at `path` describes.

    Raises:
        ValueError: Description and source do not fit each other, or a sample is damaged (unless damage is skipped). The
            message is one sentence.
    """
    description, damage = read_description(path), Damage(skip=reading.skip_damaged)
    with within(str(path)):
        if not description.modalities:
            raise ValueError(f"modalities is missing, expected {MODALITIES} (haemsa data embed makes them of clips)")
        source = open_source(path.parent, description, damage)
        return draft_of(path.stem, description, source, damage, reading).dataset()


def draft_of(
    name: str, description: Description, source: DescribedSource, damage: Damage, reading: Reading = AS_IT_IS
) -> Draft:
    """All that a description says of a source: the modalities, labels, ids, groups and splits of its sound samples.

    Raises as `read`.
    """
    if not description.tasks:
        raise ValueError(f"tasks is missing, expected {TASKS}")
    notes = list[str]()
    raw = {
        name: read_modality(name, entry, source, reading.steps, notes) for name, entry in description.modalities.items()
    }
    tasks = _tasks(description, source)
    ids = texts("ids", description.ids, source) or source.samples.names
    groups = texts("groups", description.groups, source)
    split_of = split_names(description.split, source) or source.split_of
    sound = source.samples.sound  # nothing is read after this, so no more damage is found
    if not len(sound):
        raise ValueError("no sample is left")
    tasks = {name: task.take(sound) for name, task in tasks.items()}
    ids = [ids[sample] for sample in sound]
    groups = None if groups is None else [groups[sample] for sample in sound]
    splits = (
        None if split_of is None else _splits([split_of[sample] for sample in sound], groups, description.seed, notes)
    )
    return Draft(
        name,
        {name: keep(modality, sound) for name, modality in raw.items()},
        tasks,
        ids,
        groups=groups,
        splits=splits,
        sizes=description.shares,
        seed=description.seed,
        notes=[*notes, *_repeated(ids), *_missing(tasks), *damage.notes()],
        means=reading.means,
    )


def open_source(folder: Path, description: Description, damage: Damage) -> DescribedSource:
    """The arrays or the table that a description in `folder` is about. Raises ValueError if there is none."""
    path = source_path(folder, description)
    if path.suffix.lower() == ".npz":
        from haemsa.model.data.readers.described.arrays import ArraySource

        return ArraySource(path, description.names, damage)
    from haemsa.model.data.readers.described.tables import TableSource

    return TableSource(path, description.features, description.labels, damage)


def source_path(folder: Path, description: Description) -> Path:
    """The file that a description in `folder` is about.

    Raises:
        ValueError: There is none, or the description has names of arrays for a table. The message is one sentence.
    """
    path = folder / description.source
    if path.suffix.lower() not in SOURCES:
        raise ValueError(f"source is {description.source!r}, expected a file that ends in {', '.join(SOURCES)}")
    if not path.is_file():
        meant = near(description.source, [file.name for file in folder.iterdir() if file.suffix.lower() in SOURCES])
        raise ValueError(f"source is {description.source!r}{meant}, but there is no file '{path}'")
    if description.by_split and path.suffix.lower() != ".npz":
        raise ValueError(f"{SPLIT} is for arrays, expected split: and the column of {path.name} that says which")
    return path


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


def _splits(
    split_of: Sequence[str], groups: Sequence[str] | None, seed: int, notes: list[str]
) -> dict[str, NDArray[np.int64]]:
    """The splits of the data. If it has no validation split, one is made of training, in whole groups."""
    splits = {split: np.flatnonzero([name == split for name in split_of]).astype(np.int64) for split in SPLITS}
    for split, indices in splits.items():
        if not len(indices) and split != "valid":
            raise ValueError(f"split {split!r} has no sample, expected {', '.join(SPLITS)}")
    return splits if len(splits["valid"]) else with_validation(splits, groups, "group", notes, seed)

"""The last step of each reader: what was read becomes a `Dataset`. It is cleaned and split, and notes tell how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import FeatureMeans, RawModality, clean
from haemsa.model.data.dataset import Dataset, Task
from haemsa.model.data.splitting import SHARES, counted, make_splits, numbered


@dataclass(frozen=True)
class Draft:
    """What a reader read, before the last step. Its fields are the arguments of `assemble`."""

    name: str
    raw: Mapping[str, RawModality]
    tasks: Mapping[str, Task]
    ids: Sequence[str]
    groups: Sequence[str] | None = None
    splits: Mapping[str, NDArray[np.int64]] | None = None
    sizes: Mapping[str, float] = field(default_factory=lambda: SHARES)
    seed: int = 0
    notes: Sequence[str] = ()
    means: FeatureMeans | None = None

    def dataset(self, streams: Mapping[str, RawModality] | None = None, notes: Sequence[str] = ()) -> Dataset:
        """The data, with further streams of the same samples and notes about these. Raises as `assemble`."""
        return assemble(
            self.name,
            {**self.raw, **(streams or {})},
            self.tasks,
            self.ids,
            groups=self.groups,
            splits=self.splits,
            sizes=self.sizes,
            seed=self.seed,
            notes=[*self.notes, *notes],
            means=self.means,
        )


def with_streams(dataset: Dataset, streams: Mapping[str, RawModality], notes: Sequence[str]) -> Dataset:
    """The data with further streams of the same samples, which are cleaned, and notes about these.

    Raises:
        ValueError: None of the streams is of any use.
    """
    kept, cleaned = clean(streams, dataset.split("train"))
    return replace(dataset, modalities={**dataset.modalities, **kept}, notes=(*dataset.notes, *notes, *cleaned))


def assemble(
    name: str,
    raw: Mapping[str, RawModality],
    tasks: Mapping[str, Task],
    ids: Sequence[str],
    *,
    groups: Sequence[str] | None = None,
    splits: Mapping[str, NDArray[np.int64]] | None = None,
    sizes: Mapping[str, float] = SHARES,
    seed: int = 0,
    notes: Sequence[str] = (),
    means: FeatureMeans | None = None,
) -> Dataset:
    """A data set from what a reader read.

    Args:
        name: What the data is called.
        raw: Features and lengths of N samples by modality. They can change in place.
        tasks: The tasks by name.
        ids: One name for each sample.
        groups: The name of each sample's group, N names; None if each sample is its own group.
        splits: The indices of each split; None if splits are to be made of whole groups.
        sizes: The sizes of splits that are made (`make_splits`).
        seed: Draws splits that are made.
        notes: What the reader noted.
        means: Gives the means of a model that scores the data (`clean`).

    Raises:
        ValueError: Nothing usable remains, or the parts do not fit each other. The message is one sentence.
    """
    all_notes = list(notes)
    members = np.arange(len(ids), dtype=np.int64) if groups is None else numbered(groups)
    if splits is None:
        splits = make_splits(members, sizes, seed)
        all_notes.append(f"no splits were given; made of whole groups with seed {seed}: {counted(splits)}")
    if len(straddling := straddlers(members, splits)):
        all_notes.append(f"{len(straddling)} groups (videos) lie in more than one split: scores may flatter")
    all_notes += teaching_nothing(tasks, splits["train"])
    modalities, cleaned = clean(raw, splits["train"], means)
    return Dataset(name, modalities, dict(tasks), dict(splits), tuple(ids), members, (*all_notes, *cleaned))


def labelled_everywhere(
    tasks: Mapping[str, Task], splits: Mapping[str, NDArray[np.int64]], notes: list[str]
) -> dict[str, Task]:
    """The tasks that have a label in each split; `notes` get a line for each other task.

    If there is no such task, all tasks are returned, and `Dataset` refuses the first one.
    """
    lacking = {
        name: [split for split, indices in splits.items() if not task.labelled[indices].any()]
        for name, task in tasks.items()
    }
    if all(lacking.values()):
        return dict(tasks)
    notes += [f"{name}: no label in {', '.join(where)}; left out" for name, where in lacking.items() if where]
    return {name: task for name, task in tasks.items() if not lacking[name]}


def teaching_nothing(tasks: Mapping[str, Task], train: NDArray[np.int64]) -> list[str]:
    """A note on each task whose labels in training are all the same. A network can only repeat that label."""
    notes = []
    for name, task in tasks.items():
        values = np.unique(task.targets[train[task.labelled[train]]])
        if task.kind != "multilabel" and len(values) == 1 < len(train):
            label = task.labels[int(values[0])] if task.labels else f"{values[0]:g}"
            notes.append(f"{name}: all labels of the training split are {label}, so there is nothing to learn")
    return notes


def straddlers(groups: NDArray[np.int64], splits: Mapping[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    """The groups that lie in more than one split."""
    seen = np.concatenate([np.unique(groups[indices]) for indices in splits.values()])
    names, counts = np.unique(seen, return_counts=True)
    return np.asarray(names[counts > 1])

"""Sequences of labels: each label interval is a sample, and the columns are tasks. Axes: `N` samples, `C` columns."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.readers.csd.align import EPSILON, is_empty
from haemsa.model.data.readers.csd.names import valid_name
from haemsa.model.data.readers.csd.sequence import ComputationalSequence, DamagedEntryError, video_of
from haemsa.model.data.readers.options import Damage
from haemsa.model.data.task import Task

_EMOTIONS: Final = ("happy", "sad", "anger", "surprise", "disgust", "fear")
_MOSEI: Final = ("sentiment", *_EMOTIONS)
_BOUND: Final = 3.0


@dataclass(frozen=True, eq=False)
class LabelledSegments:
    """The samples: segments of videos that have labels.

    Attributes:
        ids: The name of each sample.
        entries: The name of the entry that each sample is a row of.
        intervals: float64 [N, 2], the start and the end of each sample in seconds; none is empty.
        values: float32 [N, C], the columns of labels, NaN where one is missing.
    """

    ids: tuple[str, ...]
    entries: tuple[str, ...]
    intervals: NDArray[np.float64]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def videos(self) -> tuple[str, ...]:
        """The video of each sample."""
        return tuple(video_of(entry) for entry in self.entries)

    def take(self, indices: NDArray[np.integer[Any]]) -> LabelledSegments:
        """The samples at `indices`, in their order."""
        return LabelledSegments(
            tuple(self.ids[index] for index in indices),
            tuple(self.entries[index] for index in indices),
            self.intervals[indices],
            self.values[indices],
        )

    def by_video(self) -> Mapping[str, NDArray[np.int64]]:
        """The indices of each video's samples."""
        indices_of: dict[str, list[int]] = {}
        for index, video in enumerate(self.videos):
            indices_of.setdefault(video, []).append(index)
        return {video: np.array(indices) for video, indices in indices_of.items()}


def read_segments(labels: Sequence[ComputationalSequence], damage: Damage, notes: list[str]) -> LabelledSegments | None:
    """The samples that all sequences of labels have, with the columns of all, in the order of the sequences.

    None if they share no sample, or disagree on the interval of one.
    """
    first, *others = (_read(sequence, damage, notes) for sequence in labels)
    for other in others:
        place = {name: index for index, name in enumerate(other.ids)}
        shared = [index for index, name in enumerate(first.ids) if name in place]
        theirs = np.array([place[first.ids[index]] for index in shared], dtype=np.int64)
        if not shared or np.abs(first.intervals[shared] - other.intervals[theirs]).max() > EPSILON:
            return None
        if lacking := len(first) + len(other) - 2 * len(shared):
            notes.append(f"{lacking} labels that are not in all files of labels left out")
        first = first.take(np.array(shared))
        first = replace(first, values=np.concatenate([first.values, other.values[theirs]], axis=1))
    return first


def _read(labels: ComputationalSequence, damage: Damage, notes: list[str]) -> LabelledSegments:
    """One sample for each row of each entry. It is called as the entry, or "entry[i]" for row i of several.

    Rows of empty intervals are left out, as in the SDK. Raises ValueError if no row remains.
    """
    ids: list[str] = []
    owners: list[str] = []
    intervals: list[NDArray[np.float64]] = [np.zeros((0, 2))]
    values: list[NDArray[np.float32]] = [np.zeros((0, labels.width), np.float32)]
    for entry in (entry for entries in labels.videos.values() for entry in entries):
        try:
            rows = labels.rows(entry)
        except DamagedEntryError as error:
            damage.report(error.place, error.problem)
            continue
        several = len(rows.intervals) > 1
        ids += [f"{entry}[{row}]" if several else entry for row in range(len(rows.intervals))]
        owners += [entry] * len(rows.intervals)
        intervals.append(rows.intervals)
        values.append(rows.features)
    columns = np.concatenate(values)
    columns = np.where(np.isfinite(columns), columns, np.nan)
    samples = LabelledSegments(tuple(ids), tuple(owners), np.concatenate(intervals), columns)
    empty = is_empty(samples.intervals)
    if empty.any():
        notes.append(f"{empty.sum()} labels of empty intervals left out")
        samples = samples.take(np.flatnonzero(~empty))
    if not len(samples):
        raise ValueError(f"{labels.path} has no label, expected at least one row of a video")
    return samples


def label_names(labels: Sequence[ComputationalSequence]) -> list[str]:
    """A name for each column of all sequences of labels. Columns of the same name get the name of their file too."""
    named = [(valid_name(sequence.path.stem), name) for sequence in labels for name in _names(sequence)]
    counts = Counter(name for _, name in named)
    return [name if counts[name] == 1 else f"{file}_{name}" for file, name in named]


def _names(labels: ComputationalSequence) -> list[str]:
    """A single column is "sentiment". Several have the file's names, made valid, if these are distinct."""
    if labels.width == 1:
        return ["sentiment"]
    listed = labels.metadata.get("dimension names")
    names = [valid_name(name) if isinstance(name, str) else "" for name in (listed if isinstance(listed, list) else [])]
    if all(names) and len(names) == len(set(names)) == labels.width:
        return names
    return [f"label_{column}" for column in range(labels.width)]


def make_tasks(values: NDArray[np.float32], names: Sequence[str], notes: list[str]) -> dict[str, Task]:
    """The tasks of the label columns [N, C] with these names: a regression task for each column.

    CMU-MOSEI's seven columns are different: they become "sentiment" and the multilabel task "emotion".
    """
    order = _as_mosei(values, names)
    if order is not None:
        notes.append("emotion: a class is present where its label is above 0")
        emotions = values[:, order[1:]]
        present = np.where(np.isnan(emotions), np.nan, emotions > 0).astype(np.float32)
        sentiment = _regression("sentiment", values[:, order[0]], notes)
        return {**sentiment, "emotion": Task("multilabel", present, _EMOTIONS)}
    tasks: dict[str, Task] = {}
    for name, column in zip(names, values.T, strict=True):
        tasks |= _regression(name, column, notes)
    return tasks


def _regression(name: str, targets: NDArray[np.float32], notes: list[str]) -> dict[str, Task]:
    missing = np.isnan(targets)
    if missing.any():
        notes.append(f"{name}: {missing.sum()} labels missing")
    is_sentiment = name == "sentiment" and bool((np.abs(targets[~missing]) <= _BOUND).all())
    return {name: Task("regression", targets.copy(), bounds=(-_BOUND, _BOUND) if is_sentiment else None)}


def _as_mosei(values: NDArray[np.float32], names: Sequence[str]) -> list[int] | None:
    """The places of CMU-MOSEI's columns, in its order, or None if these are other columns.

    The first letters of the names tell ("happy" can be "happiness"). If names only number the columns, ranges tell.
    """
    if values.shape[1] != len(_MOSEI):
        return None
    if len({name.rstrip(string.digits) for name in names[1:]}) > 1:
        given, wanted = ([name[:3].lower() for name in all_names] for all_names in (names, _MOSEI))
        return [given.index(name) for name in wanted] if set(given) == set(wanted) else None
    low = np.array([-_BOUND] + [0.0] * len(_EMOTIONS))
    keep_to = np.isnan(values) | ((values >= low) & (values <= _BOUND))
    return list(range(len(_MOSEI))) if keep_to.all() else None

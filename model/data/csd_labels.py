"""The sequence of labels: one sample per label interval, and the tasks that its columns are. Axes: `N` samples."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.data.csd import ComputationalSequence, DamagedEntryError
from model.data.csd_align import is_empty
from model.data.csd_names import valid_name
from model.data.reading import Damage
from model.data.task import Task

_EMOTIONS: Final = ("happy", "sad", "anger", "surprise", "disgust", "fear")
_MOSEI: Final = ("sentiment", *_EMOTIONS)
_BOUND: Final = 3.0


@dataclass(frozen=True, eq=False)
class Samples:
    """What is labelled.

    ids and videos: N names each. intervals: float64 [N, 2], seconds, none empty. values: float32 [N, C], the label
    columns, NaN = missing.
    """

    ids: tuple[str, ...]
    videos: tuple[str, ...]
    intervals: NDArray[np.float64]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, indices: NDArray[np.integer[Any]]) -> Samples:
        """The samples at `indices`, in their order."""
        return Samples(
            tuple(self.ids[index] for index in indices),
            tuple(self.videos[index] for index in indices),
            self.intervals[indices],
            self.values[indices],
        )

    def by_video(self) -> Mapping[str, NDArray[np.int64]]:
        """The indices of each video's samples."""
        found: dict[str, list[int]] = {}
        for index, video in enumerate(self.videos):
            found.setdefault(video, []).append(index)
        return {video: np.array(indices) for video, indices in found.items()}


def read_samples(labels: ComputationalSequence, damage: Damage, notes: list[str]) -> Samples:
    """One sample per row of each entry, which is called as the entry, or "entry[i]" for row i of several.

    Rows of empty intervals are left out, as the SDK does. Raises ValueError if none remains.
    """
    ids: list[str] = []
    videos: list[str] = []
    intervals: list[NDArray[np.float64]] = [np.zeros((0, 2))]
    values: list[NDArray[np.float32]] = [np.zeros((0, labels.width), np.float32)]
    for video, entries in labels.videos.items():
        for entry in entries:
            try:
                rows = labels.rows(entry)
            except DamagedEntryError as error:
                damage.found(error.place, error.problem)
                continue
            several = len(rows.intervals) > 1
            ids += [f"{entry}[{row}]" if several else entry for row in range(len(rows.intervals))]
            videos += [video] * len(rows.intervals)
            intervals.append(rows.intervals)
            values.append(rows.features)
    found = np.concatenate(values)
    samples = Samples(tuple(ids), tuple(videos), np.concatenate(intervals), np.where(np.isfinite(found), found, np.nan))
    empty = is_empty(samples.intervals)
    if empty.any():
        notes.append(f"{empty.sum()} labels of empty intervals left out")
        samples = samples.take(np.flatnonzero(~empty))
    if not len(samples):
        raise ValueError(f"{labels.path} has no label, expected at least one row of a video")
    return samples


def make_tasks(values: NDArray[np.float32], names: object, notes: list[str]) -> dict[str, Task]:
    """The tasks of label columns [N, C], called by the `names` that the file gives for them.

    One column is "sentiment". Seven such as CMU-MOSEI's are "sentiment" and the multilabel task "emotion". Any others
    are regression tasks.
    """
    columns = values.shape[1]
    known = ("sentiment",) if columns == 1 else _column_names(names, columns)
    if _is_mosei(values, known):
        notes.append("emotion: a class is present where its label is above 0")
        present = np.where(np.isnan(values[:, 1:]), np.nan, values[:, 1:] > 0).astype(np.float32)
        return {**_regression("sentiment", values[:, 0], notes), "emotion": Task("multilabel", present, _EMOTIONS)}
    tasks: dict[str, Task] = {}
    for column in range(columns):
        tasks |= _regression(known[column] if known else f"label_{column}", values[:, column], notes)
    return tasks


def _regression(name: str, targets: NDArray[np.float32], notes: list[str]) -> dict[str, Task]:
    missing = np.isnan(targets)
    if missing.any():
        notes.append(f"{name}: {missing.sum()} labels missing")
    is_sentiment = name == "sentiment" and bool((np.abs(targets[~missing]) <= _BOUND).all())
    return {name: Task("regression", targets.copy(), bounds=(-_BOUND, _BOUND) if is_sentiment else None)}


def _column_names(names: object, columns: int) -> tuple[str, ...] | None:
    """The given names, made valid, if there is a distinct one for each column."""
    if not isinstance(names, list) or len(names) != columns:
        return None
    found = tuple(valid_name(name) if isinstance(name, str) else "" for name in names)
    return found if all(found) and len(set(found)) == columns else None


def _is_mosei(values: NDArray[np.float32], names: tuple[str, ...] | None) -> bool:
    """By the names, if they do more than number the columns, else by the ranges."""
    if values.shape[1] != len(_MOSEI):
        return False
    if names is not None and len({name.rstrip(string.digits) for name in names}) > 1:
        return tuple(name.lower() for name in names) == _MOSEI
    low = np.array([-_BOUND] + [0.0] * len(_EMOTIONS))
    return bool((np.isnan(values) | ((values >= low) & (values <= _BOUND))).all())

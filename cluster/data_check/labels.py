"""How the labels of a task are spread over the splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.shared.text import counted, printable
from haemsa.model.data.dataset import Task, TaskKind

_BINS: Final = 10
_DISTINCT: Final = 12
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class TaskCheck:
    """Labels of one task.

    bins: names of the classes, or of the bars of a histogram. counts: per split, how many labels are in each bin.
    edges: of the bins of a regression task, one more than there are bins; () if each bin is one value. missing: per
    split, the samples without a label. unseen: per split, in words, labels that training lacks.
    """

    kind: TaskKind
    bins: tuple[str, ...]
    edges: tuple[float, ...]
    counts: dict[str, tuple[int, ...]]
    missing: dict[str, int]
    unseen: dict[str, tuple[str, ...]]


def task_check(task: Task, splits: Mapping[str, Indices]) -> TaskCheck:
    """Count the labels of `task` in each split."""
    missing = {split: int((~task.labelled[indices]).sum()) for split, indices in splits.items()}
    parts = {split: task.targets[indices][task.labelled[indices]] for split, indices in splits.items()}
    if task.kind == "regression":
        return _numbers({split: part.astype(np.float64) for split, part in parts.items()}, missing)
    names = tuple(printable(label, 40) for label in task.labels)
    counts = {split: _class_counts(task, part) for split, part in parts.items()}
    unseen = {
        split: tuple(
            name for name, here, in_train in zip(names, of_split, counts["train"], strict=True) if here and not in_train
        )
        for split, of_split in counts.items()
    }
    return TaskCheck(task.kind, names, (), counts, missing, unseen)


def _class_counts(task: Task, labels: NDArray[Any]) -> tuple[int, ...]:
    if task.kind == "classes":
        return tuple(np.bincount(labels, minlength=len(task.labels)).tolist())
    return tuple(np.nansum(labels, axis=0).astype(int).tolist())


def _numbers(parts: Mapping[str, NDArray[np.float64]], missing: dict[str, int]) -> TaskCheck:
    """If there are few distinct values, each one is counted. Otherwise bins have equal widths."""
    labels = np.concatenate(list(parts.values())).round(6)
    values = np.unique(labels)
    edges: tuple[float, ...] = ()
    if len(values) <= _DISTINCT:
        bins = tuple(f"{value:g}" for value in values)
        counts = {split: [int((part.round(6) == value).sum()) for value in values] for split, part in parts.items()}
    else:
        edges = tuple(np.linspace(values[0], values[-1], _BINS + 1).round(6).tolist())
        bins = tuple(f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges))
        counts = {
            split: np.histogram(part.round(6).clip(edges[0], edges[-1]), bins=edges)[0].tolist()
            for split, part in parts.items()
        }
    unseen = {split: _beyond(part, parts["train"]) for split, part in parts.items()}
    return TaskCheck("regression", bins, edges, {split: tuple(c) for split, c in counts.items()}, missing, unseen)


def _beyond(labels: NDArray[np.float64], training: NDArray[np.float64]) -> tuple[str, ...]:
    low, high = float(training.min()), float(training.max())
    below, above = int((labels < low).sum()), int((labels > high).sum())
    words = [f"{counted(below, 'label')} below {low:.3g}"] if below else []
    return (*words, f"{counted(above, 'label')} above {high:.3g}") if above else tuple(words)

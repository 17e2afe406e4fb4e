"""Predictions next to the truth: confusion of classes, medians of values, and the samples that are predicted worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.shared.text import figure
from haemsa.model.data.task import Task

Array = np.ndarray[Any, Any]


OFF_BY: Final = {
    "regression": "off by",
    "classes": "probability given to the true class",
    "multilabel": "distance from the truth (0 to 1, mean over labels)",
}
"""What the error of a sample is, by the kind of the task."""


@dataclass(frozen=True)
class WorstSample:
    """A sample with its label, what was predicted for it, and how far off that is: what `OFF_BY` says."""

    id: str
    label: str
    predicted: str
    error: str


def confusion(true: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """How many samples of each true class (rows) are predicted as each class (columns) [C, C]."""
    return np.bincount(true * classes + predicted, minlength=classes**2).reshape(classes, classes)


def binned_medians(
    true: NDArray[Any], predicted: NDArray[Any], bins: int = 10
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean true value and the median predicted value in bins of equal size, from low to high true values."""
    parts = [part for part in np.array_split(np.argsort(true, kind="stable"), bins) if len(part)]
    return np.array([true[part].mean() for part in parts]), np.array([np.median(predicted[part]) for part in parts])


def worst_samples(task: Task, outputs: Array, ids: Sequence[str], most: int = 8) -> list[WorstSample]:
    """The samples of a task that are predicted worst, the worst first.

    Values are judged by their distance, classes by the probability of the true class, and labels by how far their
    probabilities are from the truth in the mean. `outputs` [N, C]: values, or probabilities.
    """
    known = np.flatnonzero(task.labelled)
    if task.kind == "classes":
        errors = 1 - outputs[known, task.targets[known]]
    else:
        targets = task.targets[known].reshape(len(known), -1)
        errors = np.nanmean(np.abs(outputs[known] - targets), axis=1)
    chosen = known[np.argsort(-errors, kind="stable")[:most]]
    return [_worst(task, outputs[number], ids[number], int(number)) for number in chosen]


def _worst(task: Task, output: Array, name: str, number: int) -> WorstSample:
    label = task.targets[number]
    if task.kind == "regression":
        value = float(output[0])
        return WorstSample(name, figure(float(label), 3), figure(value, 3), figure(value - float(label), 3, "+"))
    if task.kind == "classes":
        best = int(output.argmax())
        predicted = f"{task.labels[best]} ({float(output[best]):.0%})"
        given = float(output[label])
        return WorstSample(name, task.labels[label], predicted, f"{given:.1%}" if given >= 0.001 else "below 0.1%")
    true, found = (_joined(task.labels, values) for values in (label == 1, output >= 0.5))
    return WorstSample(name, true, found, f"{float(np.nanmean(np.abs(output - label))):.2f}")


def _joined(labels: Sequence[str], chosen: Sequence[bool] | Array) -> str:
    return ", ".join(name for name, has in zip(labels, chosen, strict=True) if has) or "none"

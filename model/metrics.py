"""Metrics, as the field computes them. `y` are labels, `p` predictions. Axes: `N` samples, `C` classes.

A prediction of a value lies within the bounds of its task (`bounds`). `mae_unclipped` is the error without this rule.
Sentiment: Acc-7, Acc-5 and Acc-3 clip labels and predictions to [-3, 3], [-2, 2] and [-1, 1], and round half to even.
There are two kinds of Acc-2 and F1. "has0" compares y >= 0 with p >= 0 on all samples. "non0" compares y > 0 with p > 0
on samples where y is not 0. F1 is weighted by the number of labels of each class.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from haemsa.model.agreement import ccc, pearson
from haemsa.model.bounds import within

Direction = Literal["min", "max"]
SENTIMENT_BOUNDS: Final = (-3.0, 3.0)
UNCLIPPED: Final = "mae_unclipped"
"""The mean absolute error as the field computes it, for a task with bounds: no prediction is clipped to them."""
_MAXIMISED: Final = (
    "corr", "ccc", "acc7", "acc5", "acc3", "acc2_has0", "acc2_non0", "f1_has0", "f1_non0",
    "accuracy", "wf1", "macro_f1", "uar",
)  # fmt: skip
DIRECTIONS: Final[dict[str, Direction]] = {
    **dict.fromkeys(("mae", UNCLIPPED, "loss", "params", "flops", "latency_ms"), "min"),
    **dict.fromkeys(_MAXIMISED, "max"),
}
"""Whether a smaller or a larger value is better, for each metric below and for a network's cost."""
MISSING: Final = "missing_"
"""Begins the key of a metric's mean over all non-empty subsets of the modalities, with all others hidden."""
_PRIMARY: Final = {"regression": "mae", "classes": "accuracy", "multilabel": "macro_f1"}
Array = NDArray[Any]


class TaskLike(Protocol):
    """What metrics need to know about a task."""

    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def bounds(self) -> tuple[float, float] | None: ...  # noqa: D102
    @property
    def outputs(self) -> int: ...  # noqa: D102


class LabelledTask(TaskLike, Protocol):
    """A task with its labels."""

    @property
    def targets(self) -> Array: ...  # noqa: D102


def direction(key: str) -> Direction:
    """Whether a smaller or a larger value of a metric is better.

    Example:
        >>> direction("mae"), direction("emotion/missing_accuracy")
        ('min', 'max')
    """
    return DIRECTIONS[key.rpartition("/")[2].removeprefix(MISSING)]


def with_missing(key: str) -> str:
    """The key of the same metric with modalities missing: "task/missing_mae" for "task/mae"."""
    task, slash, name = key.rpartition("/")
    return f"{task}{slash}{MISSING}{name}"


def without_missing(key: str) -> str:
    """The key of the same metric with all modalities: "task/mae" for "task/missing_mae"."""
    task, slash, name = key.rpartition("/")
    return f"{task}{slash}{name.removeprefix(MISSING)}"


def primary(task: TaskLike) -> str:
    """The metric that a search optimises unless it is told otherwise: mae, accuracy or macro_f1."""
    return _PRIMARY[task.kind]


def main_metric(tasks: Mapping[str, TaskLike]) -> str:
    """The metric that counts most: the main one of the first task. It has the task before it if there are several."""
    name, task = next(iter(tasks.items()))
    return primary(task) if len(tasks) == 1 else f"{name}/{primary(task)}"


def regression_metrics(y: Array, p: Array, bounds: tuple[float, float] | None = None) -> dict[str, float]:
    """The metrics of values [N], which all have a label. Raises ValueError if shapes differ.

    Args:
        y: The labels.
        p: What networks gave, not clipped yet. The metrics are of predictions, which lie within the bounds.
        bounds: The range of the labels. (-3, 3) means sentiment.

    Returns:
        mae, corr and ccc; with bounds also mae_unclipped; for sentiment also acc7, acc5, acc3, acc2 and f1. NaN where
        no sample counts.

    Example:
        >>> regression_metrics(np.array([1.0, -1.0]), np.array([0.5, -1.0]))["mae"]
        0.25
    """
    y, p = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    _check("predictions", p, y.shape)
    unclipped, p = p, within(p, bounds)
    values = {"mae": _mean(np.abs(y - p)), "corr": pearson(y, p), "ccc": ccc(y, p)}
    if bounds is not None:
        values[UNCLIPPED] = _mean(np.abs(y - unclipped))
    if bounds != SENTIMENT_BOUNDS:
        return values
    for name, limit in (("acc7", 3), ("acc5", 2), ("acc3", 1)):
        values[name] = _mean(np.round(np.clip(y, -limit, limit)) == np.round(np.clip(p, -limit, limit)))
    non0 = y != 0
    for suffix, truth, guess in (("has0", y >= 0, p >= 0), ("non0", y[non0] > 0, p[non0] > 0)):
        values[f"acc2_{suffix}"] = _mean(truth == guess)
        values[f"f1_{suffix}"] = class_metrics(truth.astype(np.int64), guess.astype(np.int64), 2)["wf1"]
    return values


def class_metrics(y: Array, p: Array, classes: int) -> dict[str, float]:
    """The metrics of classes [N], numbered from 0. Raises ValueError if shapes differ.

    Args:
        y: The labels.
        p: The predicted classes.
        classes: The number of classes.

    Returns:
        accuracy; wf1, the mean F1 weighted by the labels of each class; macro_f1, the mean F1 of the classes that are
        in `y` or `p`; and uar, the mean recall of the classes in `y`.

    Example:
        >>> class_metrics(np.array([0, 0, 1]), np.array([0, 1, 1]), classes=2)["uar"]
        0.75
    """
    y, p = np.asarray(y), np.asarray(p)
    _check("predicted classes", p, y.shape)
    hits = np.bincount(y[y == p], minlength=classes)
    support, guessed = np.bincount(y, minlength=classes), np.bincount(p, minlength=classes)
    f1, present = _f1(hits, support, guessed), support > 0
    return {
        "accuracy": _mean(y == p),
        "wf1": _weighted(f1, support),
        "macro_f1": _mean(f1[support + guessed > 0]),
        "uar": _mean(hits[present] / support[present]),
    }


def multilabel_metrics(y: Array, p: Array) -> dict[str, float]:
    """The metrics of labels [N, C], of which a sample can have several. Each label is a binary task.

    Args:
        y: The labels, 0 or 1, NaN where one is missing.
        p: The predicted labels, 0 or 1.

    Returns:
        accuracy and uar (the mean recall of 0 and 1), which are means over labels; and the F1 of a label's presence,
        as a mean weighted by how often each label is present (wf1), and as a plain mean (macro_f1). F1 is 0 for a label
        that is never present and never predicted.
    """
    y, p = np.asarray(y, dtype=np.float64), np.asarray(p)
    _check("predicted labels", p, y.shape)
    labelled = ~np.isnan(y)
    truth, guess = labelled & (y == 1), labelled & (p == 1)
    f1 = _f1((truth & guess).sum(axis=0), truth.sum(axis=0), guess.sum(axis=0))
    columns = [index for index in range(y.shape[1]) if labelled[:, index].any()]
    binary = [class_metrics(truth[labelled[:, c], c] * 1, guess[labelled[:, c], c] * 1, 2) for c in columns]
    return {
        "accuracy": _mean([metrics["accuracy"] for metrics in binary]),
        "wf1": _weighted(f1, truth.sum(axis=0)),
        "macro_f1": _mean(f1[columns]),
        "uar": _mean([metrics["uar"] for metrics in binary]),
    }


def task_metrics(task: TaskLike, y: Array, outputs: Array) -> dict[str, float]:
    """All metrics of one task. Samples without a label are left out.

    Args:
        task: The task.
        y: Its labels, as `Task.targets`.
        outputs: Regression: values [N] or [N, 1]. Classes: scores [N, C]. Multilabel: logits [N, C].

    Raises:
        ValueError: The outputs have another shape.
    """
    y, outputs = np.asarray(y), np.asarray(outputs)
    if task.kind == "multilabel":
        _check("outputs", outputs, y.shape)
        return multilabel_metrics(y, outputs > 0)
    if task.kind == "classes":
        _check("outputs", outputs, (len(y), task.outputs))
        labelled = y >= 0
        return class_metrics(y[labelled], outputs[labelled].argmax(axis=1), task.outputs)
    values = outputs[:, 0] if outputs.ndim == 2 and outputs.shape[1] == 1 else outputs
    _check("outputs", values, y.shape)
    labelled = ~np.isnan(y)
    return regression_metrics(y[labelled], values[labelled], task.bounds)


def all_metrics(tasks: Mapping[str, LabelledTask], outputs: Mapping[str, Array]) -> dict[str, float]:
    """All metrics of all tasks.

    Args:
        tasks: The tasks by name, such as `Dataset.tasks`.
        outputs: The outputs of each task, as in `task_metrics`.

    Returns:
        The metrics by key: "mae" for a single task, "task/mae" for several.

    Raises:
        ValueError: The outputs of a task have another shape.

    Example:
        >>> from haemsa.model.data.task import Task
        >>> mood = Task("classes", np.array([0, 1, 1, -1]), labels=("sad", "happy"))
        >>> scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.5, 0.5]])
        >>> round(all_metrics({"mood": mood}, {"mood": scores})["accuracy"], 3)
        0.667
    """
    single = len(tasks) == 1
    return {
        key if single else f"{name}/{key}": value
        for name, task in tasks.items()
        for key, value in task_metrics(task, task.targets, outputs[name]).items()
    }


def _check(what: str, array: Array, expected: tuple[int, ...]) -> None:
    if array.shape != expected:
        raise ValueError(f"{what} have the shape {list(array.shape)}, expected {list(expected)}")


def _mean(values: Any) -> float:
    array = np.asarray(values, dtype=np.float64)
    return float(array.mean()) if array.size else math.nan


def _weighted(f1: Array, support: Array) -> float:
    """The mean of `f1`, weighted by `support`; 0 without support."""
    return float((f1 * support).sum() / max(1, int(support.sum())))


def _f1(hits: Array, support: Array, guessed: Array) -> Array:
    return np.asarray(2 * hits / np.maximum(support + guessed, 1))

"""Metrics, exactly as the field computes them. `y` labels, `p` predictions, `N` samples, `C` classes.

Sentiment: Acc-7, Acc-5 and Acc-3 clip both to [-3, 3], [-2, 2] and [-1, 1] and round half to even; Acc-2 and F1 come
twice, "has0" (all samples, y >= 0 against p >= 0) and "non0" (y = 0 left out, y > 0 against p > 0). F1 is weighted by
true support.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Direction = Literal["min", "max"]
SENTIMENT_BOUNDS: Final = (-3.0, 3.0)
_MAXIMISED: Final = (
    "corr", "ccc", "acc7", "acc5", "acc3", "acc2_has0", "acc2_non0", "f1_has0", "f1_non0",
    "accuracy", "wf1", "macro_f1", "uar",
)  # fmt: skip
DIRECTIONS: Final[dict[str, Direction]] = {
    **dict.fromkeys(("mae", "loss", "params", "flops"), "min"),
    **dict.fromkeys(_MAXIMISED, "max"),
}
"""Whether less or more of a metric is better, for every key below and for a network's cost."""
MISSING: Final = "missing_"
"""Before a metric's key: its mean over every non-empty subset of the modalities, all others hidden."""
_PRIMARY: Final = {"regression": "mae", "classes": "accuracy", "multilabel": "macro_f1"}
Array = NDArray[Any]


class TaskLike(Protocol):
    """What metrics need to know of a task."""

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
    """Whether less or more of a metric is better, by its key: "mae", "task/mae", "task/missing_mae"."""
    return DIRECTIONS[key.rpartition("/")[2].removeprefix(MISSING)]


def with_missing(key: str) -> str:
    """The key of the same metric with modalities missing: "task/mae" becomes "task/missing_mae"."""
    task, slash, name = key.rpartition("/")
    return f"{task}{slash}{MISSING}{name}"


def without_missing(key: str) -> str:
    """The key of the same metric with all modalities shown."""
    task, slash, name = key.rpartition("/")
    return f"{task}{slash}{name.removeprefix(MISSING)}"


def primary(task: TaskLike) -> str:
    """The metric that a search optimises first."""
    return _PRIMARY[task.kind]


def regression_metrics(y: Array, p: Array, bounds: tuple[float, float] | None = None) -> dict[str, float]:
    """mae, corr and ccc, unclipped; the sentiment metrics too if `bounds` are (-3, 3). NaN where nothing is left."""
    y, p = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    _check("predictions", p, y.shape)
    values = {"mae": _mean(np.abs(y - p)), "corr": pearson(y, p), "ccc": ccc(y, p)}
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
    """accuracy, wf1, macro_f1 and uar of class numbers [N].

    macro_f1 is the mean over the classes that are in `y` or `p`, uar that of the recalls of the classes in `y`.
    """
    y, p = np.asarray(y), np.asarray(p)
    _check("predicted classes", p, y.shape)
    hits = np.bincount(y[y == p], minlength=classes)
    support, guessed = np.bincount(y, minlength=classes), np.bincount(p, minlength=classes)
    f1, known = _f1(hits, support, guessed), support > 0
    return {
        "accuracy": _mean(y == p),
        "wf1": _weighted(f1, support),
        "macro_f1": _mean(f1[support + guessed > 0]),
        "uar": _mean(hits[known] / support[known]),
    }


def multilabel_metrics(y: Array, p: Array) -> dict[str, float]:
    """accuracy, wf1, macro_f1 and uar of labels [N, C], 0 or 1, NaN in `y` = missing.

    Each label is a binary task: accuracy, and uar (mean recall of 0 and 1), are means over labels; F1 is that of the
    label's presence, weighted by how often each is present (wf1) or not (macro_f1, 0 for a label never present nor
    predicted).
    """
    y, p = np.asarray(y, dtype=np.float64), np.asarray(p)
    _check("predicted labels", p, y.shape)
    known = ~np.isnan(y)
    truth, guess = known & (y == 1), known & (p == 1)
    f1 = _f1((truth & guess).sum(axis=0), truth.sum(axis=0), guess.sum(axis=0))
    columns = [index for index in range(y.shape[1]) if known[:, index].any()]
    binary = [class_metrics(truth[known[:, c], c] * 1, guess[known[:, c], c] * 1, 2) for c in columns]
    return {
        "accuracy": _mean([one["accuracy"] for one in binary]),
        "wf1": _weighted(f1, truth.sum(axis=0)),
        "macro_f1": _mean(f1[columns]),
        "uar": _mean([one["uar"] for one in binary]),
    }


def pearson(y: Array, p: Array) -> float:
    """Correlation of two arrays [N]; 0 if one of them is constant."""
    a, b = y - y.mean() if len(y) else y, p - p.mean() if len(p) else p
    scale = math.sqrt(float((a**2).sum()) * float((b**2).sum()))
    constant = len(y) == 0 or np.ptp(y) == 0 or np.ptp(p) == 0
    return 0.0 if constant or scale == 0 else float((a * b).sum()) / scale


def ccc(y: Array, p: Array) -> float:
    """Lin's concordance correlation of two arrays [N]: 2 cov / (var + var + (mean - mean)^2); 0 if undefined."""
    y, p = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    if not len(y):
        return 0.0
    spread = float(y.var() + p.var() + (y.mean() - p.mean()) ** 2)
    return 0.0 if spread == 0 else float(2 * ((y - y.mean()) * (p - p.mean())).mean() / spread)


def task_metrics(task: TaskLike, y: Array, outputs: Array) -> dict[str, float]:
    """All metrics of one task; samples without a label are left out.

    outputs: regression [N] (or [N, 1]) values; classes [N, C] scores; multilabel [N, C] logits. Raises ValueError for
    another shape.
    """
    y, outputs = np.asarray(y), np.asarray(outputs)
    if task.kind == "multilabel":
        _check("outputs", outputs, y.shape)
        return multilabel_metrics(y, outputs > 0)
    if task.kind == "classes":
        _check("outputs", outputs, (len(y), task.outputs))
        known = y >= 0
        return class_metrics(y[known], outputs[known].argmax(axis=1), task.outputs)
    values = outputs[:, 0] if outputs.ndim == 2 and outputs.shape[1] == 1 else outputs
    _check("outputs", values, y.shape)
    known = ~np.isnan(y)
    return regression_metrics(y[known], values[known], task.bounds)


def all_metrics(tasks: Mapping[str, LabelledTask], outputs: Mapping[str, Array]) -> dict[str, float]:
    """Metrics of all tasks: plain keys for one task, "task/key" for several. `outputs` as in `task_metrics`."""
    single = len(tasks) == 1
    return {
        key if single else f"{name}/{key}": value
        for name, task in tasks.items()
        for key, value in task_metrics(task, task.targets, outputs[name]).items()
    }


def _check(what: str, found: Array, expected: tuple[int, ...]) -> None:
    if found.shape != expected:
        raise ValueError(f"{what} have the shape {list(found.shape)}, expected {list(expected)}")


def _mean(values: Any) -> float:
    array = np.asarray(values, dtype=np.float64)
    return float(array.mean()) if array.size else math.nan


def _weighted(f1: Array, support: Array) -> float:
    """Mean of `f1` weighted by `support`; 0 without any."""
    return float((f1 * support).sum() / max(1, int(support.sum())))


def _f1(hits: Array, support: Array, guessed: Array) -> Array:
    return np.asarray(2 * hits / np.maximum(support + guessed, 1))

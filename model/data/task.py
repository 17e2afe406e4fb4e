"""What is predicted: one `Task` with its kind, targets, class names and bounds. Axes: `N` samples, `C` classes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

TaskKind = Literal["regression", "classes", "multilabel"]
_MOST_LOST: Final = 0.01
"""Rounding labels to 32 bits may move them by this share of their deviation. The error of a network is far larger."""
_EQUAL: Final = 1e-14
"""Labels that deviate by less than about this share of their mean are all the same, except for rounding to 64 bits."""
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")


def check_name(what: str, name: object) -> None:
    """Raise ValueError unless `name` can be part of a file name, a metric's key and an HDF5 path."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{what} is named {name!r}, expected letters, digits, '_', '-', '+' or '.'")


def labels_of(values: NDArray[np.float64], column: str) -> NDArray[np.float32]:
    """Labels of regression as `Task` takes them, infinite where they are too large.

    Args:
        values: The labels as they were read, NaN where one is missing.
        column: What they are called.

    Raises:
        ValueError: Numbers of 32 bits cannot tell these labels apart.

    Example:
        >>> labels_of(np.array([0.1, np.nan]), "mood").dtype
        dtype('float32')
    """
    with np.errstate(over="ignore"):
        labels = values.astype(np.float32)
    known = np.isfinite(values) & np.isfinite(labels)
    if not known.any():
        return labels
    exact = values[known]
    lost, mean, deviation = np.abs(labels[known] - exact).max(), float(exact.mean()), float(exact.std())
    if lost > _MOST_LOST * deviation > _EQUAL * abs(mean):
        change = f"minus {mean:g}" if abs(mean) > deviation else f"divided by {deviation:.2g}"
        raise ValueError(
            f"the labels {column!r} lie around {mean:g} and deviate by {deviation:.2g}, so numbers of 32 bits "
            f"cannot tell them apart, expected the labels {change}"
        )
    return labels


@dataclass(frozen=True, eq=False)
class Task:
    """One thing that is predicted, with the labels of all samples.

    Args:
        kind: "regression" (a value), "classes" (one of several), or "multilabel" (any of several).
        targets: The labels. Regression: float32 [N], NaN where one is missing. Classes: int64 [N], the number of the
            class, -1 where it is missing. Multilabel: float32 [N, C] of 0 and 1, NaN where one is missing.
        labels: The C class names; none for regression.
        bounds: The range of regression labels, if it is known. The bounds (-3, 3) mean sentiment, which has further
            metrics.

    Raises:
        ValueError: The targets have another type or shape, or do not fit the class names or bounds.

    Example:
        >>> import numpy as np
        >>> mood = Task("classes", np.array([0, 1, -1]), labels=("sad", "happy"))
        >>> mood.outputs, mood.labelled.tolist()
        (2, [True, True, False])
    """

    kind: TaskKind
    targets: NDArray[Any]
    labels: tuple[str, ...] = ()
    bounds: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(TaskKind):
            raise ValueError(f"task kind is {self.kind!r}, expected one of {', '.join(get_args(TaskKind))}")
        dtype, ndim = (np.int64, 1) if self.kind == "classes" else (np.float32, 1 + (self.kind == "multilabel"))
        if self.targets.dtype != dtype or self.targets.ndim != ndim:
            form = f"{self.targets.dtype} with {self.targets.ndim} axes"
            raise ValueError(f"{self.kind} targets are {form}, expected {np.dtype(dtype)} with {ndim}")
        if self.kind == "regression":
            self._check_regression()
        else:
            self._check_classes()

    def _check_regression(self) -> None:
        if self.labels:
            raise ValueError(f"a regression task has class names {self.labels}, expected none")
        if np.isinf(self.targets).any():
            raise ValueError("a regression label is infinite, expected numbers, or NaN where one is missing")
        if self.bounds is None or not self.labelled.any():
            return
        low, high = np.nanmin(self.targets), np.nanmax(self.targets)
        if low < np.float32(self.bounds[0]) or high > np.float32(self.bounds[1]):
            raise ValueError(f"regression labels range from {low:g} to {high:g}, outside their bounds {self.bounds}")

    def _check_classes(self) -> None:
        if self.bounds is not None:
            raise ValueError(f"a {self.kind} task has bounds {self.bounds}, expected none")
        least = 2 if self.kind == "classes" else 1
        if len(self.labels) < least or len(set(self.labels)) != len(self.labels):
            raise ValueError(f"a {self.kind} task has class names {self.labels}, expected {least} or more, distinct")
        if self.kind == "classes":
            outside = (self.targets < -1) | (self.targets >= len(self.labels))
            expected = f"-1 to {len(self.labels) - 1}"
        else:
            if self.targets.shape[1] != len(self.labels):
                raise ValueError(f"targets have {self.targets.shape[1]} columns for {len(self.labels)} class names")
            outside = ~(np.isnan(self.targets) | (self.targets == 0) | (self.targets == 1))
            expected = "0, 1 or NaN"
        if outside.any():
            raise ValueError(f"a {self.kind} label is {self.targets[outside][0]}, expected {expected}")

    @property
    def outputs(self) -> int:
        """How many numbers a network predicts for each sample: 1 for regression, otherwise one for each class."""
        return 1 if self.kind == "regression" else len(self.labels)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which samples have a label (multilabel: at least one), [N]."""
        if self.kind == "classes":
            return np.asarray(self.targets >= 0)
        labelled = ~np.isnan(self.targets)
        return np.asarray(labelled.any(axis=1) if labelled.ndim == 2 else labelled)

    def take(self, indices: NDArray[np.int64]) -> Task:
        """The same task for the samples at `indices`, in their order."""
        return Task(self.kind, self.targets[indices], self.labels, self.bounds)

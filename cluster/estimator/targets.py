"""y as people have it becomes tasks, and predictions become labels again. Axes: `N` samples, `C` classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.task import Task, TaskKind, labels_of

ONLY: Final = "target"
"""The name of the task, if y is no dictionary."""
KINDS: Final = ("auto", "regression", "classes", "multilabel")


@dataclass(frozen=True, eq=False)
class Target:
    """A task, and what y calls its classes: values of y, or columns of multilabel. None for regression."""

    task: Task
    classes: NDArray[Any] | None = None


def targets_of(y: Any, kind: Any, bounds: Any) -> dict[str, Target]:
    """The tasks in y by name. NaN, None and NA are missing labels.

    Args:
        y: The labels: [N], [N, C], or a dictionary of these by task.
        kind: One of `KINDS`, or a dictionary of them by task. With "auto" the labels tell.
        bounds: The range of the labels of regression, or a dictionary of ranges by task; None if it is not known.

    Raises:
        ValueError: Labels do not fit their kind, or tasks have different numbers of them. The message is one sentence.
    """
    if y is None:
        raise ValueError("MultimodalSearch requires y to be passed, but the target y is None")
    if not isinstance(y, Mapping):
        return {ONLY: _target(y, "y", _kind(kind), bounds)}
    if not y:
        raise ValueError("y has no task, expected at least one")
    kinds, ranges = _by_task(kind, "auto", y, "kind"), _by_task(bounds, None, y, "bounds")
    found = {str(name): _target(y[name], f"y[{name!r}]", _kind(kinds[name]), ranges[name]) for name in y}
    counts = {name: len(target.task.targets) for name, target in found.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise ValueError(f"the tasks of y have different numbers of labels, expected one for each sample: {listed}")
    return found


def _by_task(given: Any, default: Any, y: Mapping[str, Any], what: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        return dict.fromkeys(y, given)
    if unknown := sorted(set(map(str, given)) - set(map(str, y))):
        raise ValueError(f"{what} has {unknown[0]!r}, expected tasks of y: {', '.join(map(str, y))}")
    return {name: given.get(name, default) for name in y}


def _kind(kind: Any) -> str:
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}, expected one of {', '.join(KINDS)}")
    return str(kind)


def _target(y: Any, what: str, kind: str, bounds: Any) -> Target:
    labels = label_array(y, what)
    if labels.ndim == 2 and labels.shape[1] == 1 and kind != "multilabel":
        labels = _column(labels)
    if labels.ndim not in (1, 2):
        raise ValueError(
            f"{what} has {labels.ndim} axes, expected [N], or [N, C] of 0 and 1 for labels of several classes"
        )
    kind = _told(labels, what) if kind == "auto" else kind
    if labels.ndim != 1 + (kind == "multilabel"):
        raise ValueError(f"{what} has {labels.ndim} axes, expected {1 + (kind == 'multilabel')} for {kind}")
    if kind == "regression":
        return Target(Task("regression", _values(labels, what), bounds=_range(bounds)))
    return _multilabel(y, labels, what) if kind == "multilabel" else _classes(labels, what)


def label_array(y: Any, what: str) -> NDArray[Any]:
    """Labels as an array of numpy. Raises ValueError for sparse or complex ones; `what` names them in its message."""
    if hasattr(y, "toarray"):
        raise ValueError(f"{what} is a sparse matrix, expected an array: .toarray() makes one")
    try:
        array = _of_pandas(y) if hasattr(y, "to_numpy") else np.asarray(y)
    except ValueError:
        raise ValueError(f"{what} has samples of several lengths, expected [N], or [N, C] of 0 and 1") from None
    if array.dtype.kind == "U" and not hasattr(y, "dtype"):
        array = np.array(y, dtype=object)  # numpy makes text of None and of numbers
    if array.dtype.kind == "c":
        raise ValueError(f"{what} is complex, expected real numbers or classes. Complex data not supported")
    return np.asarray(array)


def _of_pandas(y: Any) -> NDArray[Any]:
    """Integers stay integers where a label is missing."""
    own = hasattr(y, "dtype") and not isinstance(y.dtype, np.dtype)
    return np.asarray(y.to_numpy(dtype=object) if own else y.to_numpy())


def _column(labels: NDArray[Any]) -> NDArray[Any]:
    from sklearn.utils import column_or_1d

    return np.asarray(column_or_1d(labels, warn=True))


def missing_labels(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a label is NaN, None or NA."""
    import pandas as pd

    return np.asarray(pd.isna(labels))


def _told(labels: NDArray[Any], what: str) -> TaskKind:
    """The kind that the labels tell: several columns are multilabel, numbers with a point are regression."""
    if labels.ndim == 2:
        return "multilabel"
    if labels.dtype.kind == "O":
        present = labels[~missing_labels(labels)].tolist()
        numbers = [value for value in present if isinstance(value, (int, float, np.number)) and value is not True]
        odd = [value for value in present if not isinstance(value, (str, bytes, int, float, np.number, np.bool_))]
        if odd:
            raise ValueError(
                f"{what} holds {odd[0]!r}, expected numbers, text or bools. Unknown label type: {type(odd[0])}"
            )
        real = [value for value in numbers if isinstance(value, (float, np.floating))]
        return "regression" if real and len(numbers) == len(present) else "classes"
    return "regression" if labels.dtype.kind == "f" else "classes"


def _values(labels: NDArray[Any], what: str) -> NDArray[np.float32]:
    missing = missing_labels(labels)
    try:
        exact = np.where(missing, np.nan, labels).astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{what} holds {labels[~missing].tolist()[0]!r}, expected numbers for regression") from None
    values = labels_of(exact, what)
    if np.isinf(values).any():
        raise ValueError(f"Input {what} contains infinity or a value too large for dtype('float32').")
    return values


def _range(bounds: Any) -> tuple[float, float] | None:
    if bounds is None:
        return None
    try:
        low, high = map(float, bounds)
    except (TypeError, ValueError):
        raise ValueError(f"bounds are {bounds!r}, expected (lowest, highest)") from None
    return low, high


def _classes(labels: NDArray[Any], what: str) -> Target:
    from sklearn.utils.multiclass import check_classification_targets

    missing = missing_labels(labels)
    present = labels[~missing]
    if present.dtype.kind == "f":
        if np.isinf(present).any():
            raise ValueError(f"Input {what} contains infinity or a value too large for dtype('float64').")
        check_classification_targets(present)
    try:
        classes, places = np.unique(present, return_inverse=True)
    except TypeError:
        raise ValueError(f"{what} mixes text and numbers, expected classes of one kind") from None
    if len(classes) < 2:
        raise ValueError(f"{what} has {len(classes)} class, expected at least 2 classes")
    targets = np.full(len(labels), -1, np.int64)
    targets[~missing] = places
    names = tuple(map(str, classes.tolist()))
    return Target(Task("classes", targets, names), classes)


def _multilabel(y: Any, labels: NDArray[Any], what: str) -> Target:
    values = _values(labels, what)
    odd = ~(np.isnan(values) | (values == 0) | (values == 1))
    if odd.any():
        raise ValueError(
            f"{what} has several columns and holds {values[odd][0]:g}, expected 0 or 1 in each; several values for a "
            "sample can be several tasks"
        )
    names = np.array(list(y.columns) if hasattr(y, "columns") else range(values.shape[1]))
    return Target(Task("multilabel", values, tuple(map(str, names.tolist()))), names)

"""What the numbers mean that MMSA and MulT give as labels. Axis: `N` samples.

What is decided by labels is decided by those of training and validation alone, which are called `pooled` here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import Task


def sentiment(labels: NDArray[np.float32], pooled: NDArray[np.float32]) -> Task:
    """A task of these labels [N], with the usual bounds of sentiment that all of `pooled` keeps, if there are any.

    `pooled` may be of several tasks. There are no bounds if the labels of the test split exceed them.
    """
    bound = next((bound for bound in (1.0, 3.0) if _largest(pooled) <= bound), None)
    if bound is None or _largest(labels) > bound:
        return Task("regression", labels)
    return Task("regression", labels, bounds=(-bound, bound))


def _largest(labels: NDArray[np.float32]) -> float:
    return float(np.nanmax(np.abs(labels))) if np.isfinite(labels).any() else np.inf


def classes(labels: NDArray[np.float32]) -> Task:
    """The distinct numbers of labels [N] as classes, in their order; NaN is missing."""
    known = ~np.isnan(labels)
    kinds = np.unique(labels[known])
    targets = np.where(known, np.searchsorted(kinds, labels), -1).astype(np.int64)
    return Task("classes", targets, tuple(f"{kind:g}" for kind in kinds))


def are_two_classes(labels: NDArray[np.float32], pooled: NDArray[np.float32]) -> bool:
    """Whether `pooled` are two whole numbers, and labels [N] no others: sarcastic or not, humorous or not."""
    kinds = np.unique(pooled[~np.isnan(pooled)])
    if len(kinds) != 2 or (kinds % 1).any():
        return False
    return bool(np.isin(labels[~np.isnan(labels)], kinds).all())


def are_signs(classes: NDArray[np.float32], labels: NDArray[np.float32]) -> bool:
    """Whether pooled classes are -1, 0, 1 or 0, 1, 2 for negative, neutral, positive, wherever both are known."""
    known = ~np.isnan(classes) & ~np.isnan(labels)
    sign = np.sign(labels[known])
    return bool(known.any()) and any(np.array_equal(classes[known], sign + shift) for shift in (0, 1))

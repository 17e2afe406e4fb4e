"""What the numbers mean that MMSA and MulT have as labels. Axis: `N` samples.

Only labels of training and validation, called `pooled` here, decide what the numbers mean.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import Task


def sentiment(labels: NDArray[np.float32], pooled: NDArray[np.float32]) -> Task:
    """The task of these labels [N]. Its bounds are the usual ones of sentiment that contain all of `pooled`, if any do.

    `pooled` can be of several tasks. If labels of the test split lie outside, the task has no bounds.
    """
    bound = next((bound for bound in (1.0, 3.0) if _largest(pooled) <= bound), None)
    if bound is None or _largest(labels) > bound:
        return Task("regression", labels)
    return Task("regression", labels, bounds=(-bound, bound))


def _largest(labels: NDArray[np.float32]) -> float:
    return float(np.nanmax(np.abs(labels))) if np.isfinite(labels).any() else np.inf


def classes(labels: NDArray[np.float32]) -> Task:
    """The distinct numbers of labels [N] as classes, in ascending order; NaN is missing."""
    labelled = ~np.isnan(labels)
    numbers = np.unique(labels[labelled])
    targets = np.where(labelled, np.searchsorted(numbers, labels), -1).astype(np.int64)
    return Task("classes", targets, tuple(f"{number:g}" for number in numbers))


def are_two_classes(labels: NDArray[np.float32], pooled: NDArray[np.float32]) -> bool:
    """Whether only two whole numbers occur in `pooled`, and in the labels [N]: sarcastic or not, humorous or not."""
    numbers = np.unique(pooled[~np.isnan(pooled)])
    if len(numbers) != 2 or (numbers % 1).any():
        return False
    return bool(np.isin(labels[~np.isnan(labels)], numbers).all())


def are_signs(classes: NDArray[np.float32], labels: NDArray[np.float32]) -> bool:
    """Whether classes are -1, 0, 1 or 0, 1, 2 for negative, neutral and positive labels. Both are pooled."""
    both = ~np.isnan(classes) & ~np.isnan(labels)
    sign = np.sign(labels[both])
    return bool(both.any()) and any(np.array_equal(classes[both], sign + shift) for shift in (0, 1))

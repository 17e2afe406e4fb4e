"""Where the steps of padded sequences begin: some are padded at the end, others in front. Axes: `N`, `T`, `D`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.steps import blocks


def to_front(
    name: str, features: NDArray[Any], lengths: NDArray[np.int64] | None, notes: list[str]
) -> NDArray[np.int64]:
    """Lengths [N] of features [N, T, D], where steps that are padded in front are moved to the front, in place.

    As `spans`, whose `starts` are all 0 afterwards.
    """
    starts, lengths = spans(name, features, lengths, notes)
    for sample in np.flatnonzero(starts).tolist():
        start, length = starts[sample], lengths[sample]
        features[sample, :length] = features[sample, start : start + length]
        features[sample, length:] = 0
    return lengths


def spans(
    name: str, features: NDArray[Any], lengths: NDArray[np.int64] | None, notes: list[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each sample of features [N, T, D] starts, and its length, int64 [N] each; 0 and 0 if it is all zero.

    With given `lengths`, at most T, a sample that has values beyond its length lies at the end if it fits there.
    Without, all that is between the first and the last step that are not zero counts if most padding is in front,
    else all up to the last. `notes` gets a line, about `name`, for samples that are moved or have values left out.
    """
    first, last = _extent(features)
    present = last > 0
    if lengths is None:
        in_front = first.sum() > (features.shape[1] - last[present]).sum()
        lengths = last - first if in_front else last
    lengths = np.where(present, lengths, 0)
    beyond = last > lengths
    moved = beyond & (last - first <= lengths)
    if count := int(moved.sum()):
        notes.append(f"{name}: {count} samples padded in front; their steps moved to the front")
    if count := int((beyond & ~moved).sum()):
        notes.append(f"{name}: {count} samples have values beyond their given lengths; left out")
    return np.where(moved, np.minimum(first, features.shape[1] - lengths), 0), lengths


def _extent(features: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first step that is not all zero, and the one after the last, [N] each; 0 and 0 if there is none."""
    first, last = np.zeros((2, len(features)), dtype=np.int64)
    for block in blocks(features.shape):
        filled = (features[block] != 0).any(axis=2)
        first[block] = filled.argmax(axis=1)
        last[block] = np.where(filled.any(axis=1), filled.shape[1] - filled[:, ::-1].argmax(axis=1), 0)
    return first, last

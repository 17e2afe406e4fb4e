"""Where the steps of padded sequences begin: some files pad at the end, others in front.

Axes: `N` samples, `T` time steps, `D` features.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.steps import blocks


def to_front(
    name: str, features: NDArray[Any], lengths: NDArray[np.int64] | None, notes: list[str]
) -> NDArray[np.int64]:
    """Move the steps of samples that are padded in front to the front, in place, and return all lengths [N].

    Arguments and notes are those of `spans`.
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

    Args:
        name: The modality, for the notes.
        features: The padded sequences.
        lengths: Given lengths, at most T. A sample with values beyond its length lies at the end, if it fits there.
            Without lengths, a sample ends with its last step that is not zero. If most padding is in front, it begins
            with its first step that is not zero, otherwise with step 0.
        notes: Get a line for samples that are moved, and one for samples with values beyond their length.
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
    """The first step that is not all zero, and the step after the last such one, [N] each; 0 and 0 without any."""
    first, last = np.zeros((2, len(features)), dtype=np.int64)
    for block in blocks(features.shape):
        filled = (features[block] != 0).any(axis=2)
        first[block] = filled.argmax(axis=1)
        last[block] = np.where(filled.any(axis=1), filled.shape[1] - filled[:, ::-1].argmax(axis=1), 0)
    return first, last

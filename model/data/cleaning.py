"""Raw features to modalities: non-finite cells filled, hopeless modalities dropped, and notes on all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.data.dataset import Modality, step_mask


@dataclass(frozen=True, eq=False)
class RawModality:
    """Features as read, float [N, T, D], and lengths int64 [N]; cells may be non-finite, padding may be anything."""

    features: NDArray[Any]
    lengths: NDArray[np.int64]

    def take(self, indices: NDArray[np.int64]) -> RawModality:
        """The same stream for the samples at `indices`, in their order."""
        return RawModality(self.features[indices], self.lengths[indices])


def last_step(features: NDArray[Any]) -> NDArray[np.int64]:
    """Lengths int64 [N] of zero-padded features [N, T, D]: up to the last step that is not all zero."""
    filled = (features != 0).any(axis=2)
    steps = features.shape[1]
    return np.where(filled.any(axis=1), steps - filled[:, ::-1].argmax(axis=1), 0).astype(np.int64)


def clean(raw: Mapping[str, RawModality], train: NDArray[np.int64]) -> tuple[dict[str, Modality], tuple[str, ...]]:
    """Usable modalities, and notes.

    A non-finite cell gets its column's mean over the training samples `train`; a sample without any finite cell counts
    as absent. A modality that is absent, non-finite or constant in all of `train` is dropped. Raises ValueError if none
    remains.
    """
    kept: dict[str, Modality] = {}
    notes: list[str] = []
    for name, modality in raw.items():
        _clean_one(name, modality, train, kept, notes)
    if not kept:
        raise ValueError(f"no usable modality remains: {'; '.join(notes) or 'there was none'}")
    return kept, tuple(notes)


def _clean_one(
    name: str, raw: RawModality, train: NDArray[np.int64], kept: dict[str, Modality], notes: list[str]
) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        features = np.array(raw.features, dtype=np.float32)
    steps = features.shape[1]
    mask = step_mask(raw.lengths, steps)
    features[~mask] = 0
    finite = np.isfinite(features)
    hopeless = (raw.lengths > 0) & ~(finite.any(axis=2) & mask).any(axis=1)
    lengths = np.where(hopeless, 0, raw.lengths).astype(np.int64)
    if hopeless.any():
        notes.append(f"{name}: {hopeless.sum()} samples without a finite cell count as absent")
        mask = step_mask(lengths, steps)
        features[~mask] = 0
        finite[~mask] = True
    if not (lengths[train] > 0).any():
        notes.append(f"{name}: dropped, absent or non-finite in the whole training split")
        return
    mean, constant = _columns(features[train][mask[train]])
    if constant.all():
        notes.append(f"{name}: dropped, entirely constant or non-finite in the training split")
        return
    if constant.any():
        notes.append(f"{name}: {constant.sum()} of {len(constant)} columns are constant in the training split")
    bad = int((~finite).sum())
    if bad:
        columns = int((~finite).any(axis=(0, 1)).sum())
        notes.append(f"{name}: {bad} non-finite cells in {columns} columns filled with the training mean")
        features = np.where(finite, features, mean)
    absent = int((lengths == 0).sum())
    if absent:
        notes.append(f"{name}: absent in {absent} of {len(lengths)} samples")
    kept[name] = Modality(features, lengths)


def _columns(rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Per column of rows [S, D]: the mean of the finite cells (0 without one), and whether they are all equal."""
    finite = np.isfinite(rows)
    if finite.all():
        return rows.mean(axis=0, dtype=np.float64).astype(np.float32), np.asarray(rows.max(axis=0) <= rows.min(axis=0))
    count = finite.sum(axis=0)
    total = np.where(finite, rows, 0).sum(axis=0, dtype=np.float64)
    low = np.where(finite, rows, np.inf).min(axis=0)
    high = np.where(finite, rows, -np.inf).max(axis=0)
    return (total / np.maximum(count, 1)).astype(np.float32), np.asarray(high <= low)

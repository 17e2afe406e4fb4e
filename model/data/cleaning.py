"""Raw features become modalities: non-finite cells are filled, useless modalities are dropped, and notes tell it.

Axes: `N` samples, `T` time steps, `D` features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import Dataset, Modality
from haemsa.model.data.steps import blocks, step_mask
from haemsa.model.data.streamed import StoredFeatures, rows_of

FeatureMeans = Callable[[str, tuple[str, ...], int], NDArray[np.float32]]
"""Gives the mean of each feature, [D], for a modality, the names of its features, and D."""


@dataclass(frozen=True, eq=False)
class RawModality:
    """Features as they were read. Cells can be non-finite, and padding can be anything.

    Args:
        features: Floats [N, T, D]. Cleaning changes them in place if they are float32.
        lengths: int64 [N], the time steps of each sample.
        columns: The names of the D features; none if they are not known.
    """

    features: NDArray[Any]
    lengths: NDArray[np.int64]
    columns: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """D, the features of each time step."""
        return int(self.features.shape[2])

    def take(self, indices: NDArray[np.int64]) -> RawModality:
        """The same features for the samples at `indices`, in their order."""
        return RawModality(self.features[indices], self.lengths[indices], self.columns)

    def in_columns(self, places: NDArray[np.int64]) -> RawModality:
        """Only the features at `places`, in their order."""
        columns = tuple(self.columns[place] for place in places) if self.columns else ()
        return RawModality(self.features[:, :, places], self.lengths, columns)


def last_step(features: NDArray[Any]) -> NDArray[np.int64]:
    """The lengths of zero-padded features [N, T, D], int64 [N]: up to the last step that is not all zero."""
    steps, lengths = features.shape[1], np.zeros(len(features), dtype=np.int64)
    for block in blocks(features.shape):
        filled = (features[block] != 0).any(axis=2)
        lengths[block] = np.where(filled.any(axis=1), steps - filled[:, ::-1].argmax(axis=1), 0)
    return lengths


def clean(
    raw: Mapping[str, RawModality], train: NDArray[np.int64], means: FeatureMeans | None = None
) -> tuple[dict[str, Modality], tuple[str, ...]]:
    """The modalities that are of use, cleaned.

    A non-finite cell gets the mean of its column in training. A sample without any finite cell counts as absent. A
    modality that is absent, non-finite or constant in all of training is dropped.

    Args:
        raw: Features and lengths by name.
        train: The indices of the training samples.
        means: Gives the means of a model that scores the data. They fill cells in place of those of `train`, and only a
            modality that no sample has is dropped.

    Returns:
        The modalities, and notes on what was filled, absent or dropped.

    Raises:
        ValueError: No modality remains.

    Example:
        >>> import numpy as np
        >>> features = np.array([[[1.0, 2.0]], [[np.nan, 4.0]], [[3.0, 6.0]]])
        >>> modalities, notes = clean({"audio": RawModality(features, np.ones(3, np.int64))}, train=np.arange(3))
        >>> modalities["audio"].features[1].tolist(), notes
        ([[2.0, 4.0]], ('audio: 1 non-finite cells in 1 columns (0) filled with the training mean',))
    """
    kept: dict[str, Modality] = {}
    notes: list[str] = []
    for name, modality in raw.items():
        _clean_one(name, modality, train, means, kept, notes)
    if not kept:
        raise ValueError(f"no usable modality remains: {'; '.join(notes) or 'there was none'}")
    return kept, tuple(notes)


def _clean_one(
    name: str,
    raw: RawModality,
    train: NDArray[np.int64],
    means: FeatureMeans | None,
    kept: dict[str, Modality],
    notes: list[str],
) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        features = np.asarray(raw.features, dtype=np.float32)
    lengths, non_finite = _padded(features, raw.lengths)
    hopeless = int(((raw.lengths > 0) & (lengths == 0)).sum())
    if hopeless:
        notes.append(f"{name}: {hopeless} samples without a finite cell count as absent")
    if means is None:
        mean, constant = _columns(features, lengths, train)
        if not _says_something(name, lengths[train], constant, raw.columns, notes):
            return
    elif not lengths.any():
        notes.append(f"{name}: dropped, absent or non-finite in all samples")
        return
    else:
        mean = means(name, raw.columns, raw.width)
    if non_finite.any():
        columns = f"{(non_finite > 0).sum()} columns ({_places(non_finite > 0, raw.columns)})"
        notes.append(f"{name}: {non_finite.sum()} non-finite cells in {columns} filled with the training mean")
        for block in blocks(features.shape):
            features[block] = np.where(np.isfinite(features[block]), features[block], mean)
    absent = int((lengths == 0).sum())
    if absent:
        notes.append(f"{name}: absent in {absent} of {len(lengths)} samples")
    kept[name] = Modality(features, lengths, raw.columns)


def _places(mask: NDArray[np.bool_], columns: Sequence[str]) -> str:
    """The first three columns where `mask` holds: their names, or their numbers if they have none."""
    places = np.flatnonzero(mask).tolist()
    shown = [columns[place][:60] if columns else str(place) for place in places[:3]]
    return ", ".join([*shown, *(["..."] if len(places) > 3 else [])])


def useful(dataset: Dataset, constant: Mapping[str, NDArray[np.bool_] | None]) -> Dataset:
    """The clean data set without modalities that are of no use in training, and with a note on each of these.

    Args:
        dataset: Data with finite features, and a training split.
        constant: For each modality, which columns [D] never change in training; None where that is not known.

    Raises:
        ValueError: No modality remains.
    """
    train, notes, kept = dataset.split("train"), list[str](), dict[str, Modality]()
    for name, modality in dataset.modalities.items():
        mask = constant.get(name)
        still = constant_columns(modality, train) if mask is None else mask
        if _says_something(name, modality.lengths[train], still, modality.columns, notes):
            kept[name] = modality
    if not kept:
        raise ValueError(f"no usable modality remains: {'; '.join(notes)}")
    return replace(dataset, modalities=kept, notes=tuple(dict.fromkeys((*dataset.notes, *notes))))


def constant_columns(modality: Modality, samples: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which columns [D] never change in these samples. All features are finite."""
    return _columns(modality.features, modality.lengths, samples)[1]


def _says_something(
    name: str, lengths: NDArray[np.int64], constant: NDArray[np.bool_], columns: Sequence[str], notes: list[str]
) -> bool:
    """Whether a modality is of use, judged by its lengths and constant columns in training. Notes tell both."""
    if not (lengths > 0).any():
        notes.append(f"{name}: dropped, absent or non-finite in the whole training split")
        return False
    if constant.all():
        notes.append(f"{name}: dropped, entirely constant or non-finite in the training split")
        return False
    if constant.any():
        which = f"{constant.sum()} of {len(constant)} columns ({_places(constant, columns)})"
        notes.append(f"{name}: {which} are constant in the training split")
    return True


def _padded(features: NDArray[np.float32], lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Set padding to zero, in place.

    Returns the lengths, 0 for a sample without a finite cell, and the non-finite cells of the other samples [D].
    """
    new_lengths, non_finite = lengths.copy(), np.zeros(features.shape[2], dtype=np.int64)
    for block in blocks(features.shape):
        cells = features[block]
        mask = step_mask(lengths[block], cells.shape[1])
        cells[~mask] = 0
        finite = np.isfinite(cells)
        hopeless = (lengths[block] > 0) & ~(finite.any(axis=2) & mask).any(axis=1)
        cells[hopeless], finite[hopeless] = 0, True
        new_lengths[block][hopeless] = 0
        non_finite += (~finite).sum(axis=(0, 1))
    return new_lengths, non_finite


def _columns(
    features: NDArray[np.float32] | StoredFeatures, lengths: NDArray[np.int64], samples: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """For each column of these samples: the mean of the finite cells (0 without any), and whether all are equal."""
    width = features.shape[2]
    count, total = np.zeros(width, dtype=np.int64), np.zeros(width)
    low, high = np.full(width, np.inf), np.full(width, -np.inf)
    for block in blocks((len(samples), *features.shape[1:])):
        rows = rows_of(features, lengths, samples[block])
        finite = np.isfinite(rows)
        lows, highs, zeros = rows, rows, rows
        if finite.all():
            count += len(rows)
        else:
            count += finite.sum(axis=0)
            lows, highs, zeros = (np.where(finite, rows, value) for value in (np.inf, -np.inf, 0))
        total += zeros.sum(axis=0, dtype=np.float64)
        low = np.minimum(low, lows.min(axis=0, initial=np.inf))
        high = np.maximum(high, highs.max(axis=0, initial=-np.inf))
    return (total / np.maximum(count, 1)).astype(np.float32), np.asarray(high <= low)

"""What arrays or a table hold of each sample, besides labels: features, and text such as ids and splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.dataset import SPLITS
from haemsa.model.data.readers.described.cells import Cells, numbers, unlike, words
from haemsa.model.data.readers.described.description import VALID, ModalityEntry
from haemsa.model.data.readers.described.samples import SoundSamples
from haemsa.model.data.readers.options import within
from haemsa.model.data.readers.padding import to_front
from haemsa.model.data.readers.trimming import shorten
from haemsa.model.data.steps import blocks


class DescribedSource(Protocol):
    """The arrays or columns that a description names. Axes: `N` samples, `T` steps, `D` features.

    Attributes:
        samples: The samples, and which of them are damaged.
        split_of: The split of each sample, if each split has arrays of its own.
        zeros_pad: Whether steps that are all zero, at the end or in front of a sample, are padding.
    """

    samples: SoundSamples
    split_of: Sequence[str] | None
    zeros_pad: bool

    def features(self, names: str | tuple[str, ...]) -> RawModality:
        """Features [N, T, D]. Steps that may be padding are among them."""

    def absent(self, names: str | tuple[str, ...]) -> list[str]:
        """The splits that lack these features."""

    def cells(self, names: str | tuple[str, ...]) -> dict[str, Cells]:
        """Columns [N] of labels, ids, groups, splits or lengths."""


def read_modality(
    name: str, entry: ModalityEntry, source: DescribedSource, steps: int | None, notes: list[str]
) -> RawModality:
    """The features of one modality, with at most `steps` steps (None: all). Cells can be non-finite."""
    with within(f"modalities.{name}"):
        raw = source.features(entry.from_)
        notes += [f"{name}: absent in the whole split {split!r}" for split in source.absent(entry.from_)]
        lengths = None if entry.lengths is None else _lengths(name, entry.lengths, source, raw, notes)
        if source.zeros_pad:
            lengths = to_front(name, raw.features, lengths, notes)
        elif lengths is None:
            lengths = raw.lengths
        return shorten(name, replace(raw, lengths=lengths), steps, notes)


def _lengths(name: str, column: str, source: DescribedSource, raw: RawModality, notes: list[str]) -> NDArray[np.int64]:
    """The given lengths, cut to the steps that exist. Samples that are all zero, or have no steps, need no length."""
    present = _filled(raw.features) if source.zeros_pad else raw.lengths > 0
    lengths, longer = given_lengths(column, single_column(column, source), present, raw.lengths, source.samples)
    if longer:
        notes.append(f"{name}: {longer} lengths cut to the steps that there are")
    return lengths


def given_lengths(
    column: str, cells: Cells, present: NDArray[np.bool_], steps: NDArray[np.int64], samples: SoundSamples
) -> tuple[NDArray[np.int64], int]:
    """The lengths in a column, and how many are larger than the steps that there are.

    Args:
        column: Its name.
        cells: Its cells [N].
        present: bool [N], which samples need a length.
        steps: int64 [N], the steps that there are.
        samples: Gets the damaged ones: those whose length is no whole number from 0.
    """
    values, odd = numbers(cells)
    odd = present & (odd | ~(values >= 0) | (np.floor(values) != values))
    samples.mark_damaged(odd, unlike(column, cells, "a whole number from 0"))
    longer = present & (values > steps)
    return np.where(present & ~odd & ~longer, values, steps).astype(np.int64), int(longer.sum())


def _filled(features: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which samples are not all zero, [N]."""
    return np.concatenate([features[block].any(axis=(1, 2)) for block in blocks(features.shape)])


def texts(key: str, column: str | None, source: DescribedSource) -> list[str] | None:
    """The name of each sample in a column (None without a column). A sample without a name is damaged."""
    if column is None:
        return None
    with within(key):
        cells = single_column(column, source)
        names = words(cells)
        source.samples.mark_damaged(np.array([not name for name in names]), unlike(column, cells, "a name"))
        return names


def split_names(column: str | None, source: DescribedSource) -> list[str] | None:
    """The split of each sample in a column (None without a column). A sample without a split is damaged."""
    if column is None:
        return None
    with within("split"):
        cells = single_column(column, source)
        names = splits_in(cells)
        unknown = np.array([name not in SPLITS for name in names])
        source.samples.mark_damaged(unknown, unlike(column, cells, " or ".join(SPLITS), (*SPLITS, *VALID)))
        return names


def splits_in(cells: Cells) -> list[str]:
    """The split that each cell names, "" for none. The validation split may have any of its names."""
    return ["valid" if text in VALID else text for text in words(cells)]


def single_column(column: str, source: DescribedSource) -> Cells:
    """The cells of one column. Raises ValueError if the name stands for several."""
    columns = source.cells(column)
    if len(columns) != 1:
        raise ValueError(f"{column!r} has {len(columns)} columns, expected one")
    return next(iter(columns.values()))

"""Some samples or some steps of a modality, where memory may be too small for a full copy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.readers.memory import zeros
from haemsa.model.data.steps import blocks


def keep(modality: RawModality, kept: NDArray[np.integer[Any]]) -> RawModality:
    """Only the samples at `kept`, which ascend. They move within the array, which loses the steps that none has."""
    if len(kept) == len(modality.lengths):
        return modality
    features, lengths = modality.features, modality.lengths[kept]
    for block in blocks((len(kept), *features.shape[1:])):
        features[block] = features[kept[block]]  # samples of later blocks are not overwritten yet
    return RawModality(features[: len(kept), : lengths.max(initial=1)], lengths, modality.columns)


def shorten(name: str, modality: RawModality, steps: int | None, notes: list[str]) -> RawModality:
    """Only the first `steps` of each sample (None: all). `notes` get a line about `name` if samples are longer."""
    features, lengths = modality.features, shortened(name, modality.lengths, steps, notes)
    if steps is None or lengths is modality.lengths:
        return modality
    first_steps = zeros((len(features), steps, features.shape[2]))
    for block in blocks(features.shape):
        first_steps[block] = features[block, :steps]
    return RawModality(first_steps, lengths, modality.columns)


def shortened(name: str, lengths: NDArray[np.int64], steps: int | None, notes: list[str]) -> NDArray[np.int64]:
    """The lengths [N] of samples that are cut to `steps`, with a note; the same array if none is longer."""
    if steps is None or not (longer := int((lengths > steps).sum())):
        return lengths
    notes.append(f"{name}: {longer} samples cut to their first {steps} steps")
    return np.minimum(lengths, steps)

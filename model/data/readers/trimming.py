"""Some samples or some steps of a modality, for which there may be no room beside all of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.memory import zeros
from haemsa.model.data.steps import blocks


def keep(modality: RawModality, kept: NDArray[np.integer[Any]]) -> RawModality:
    """The samples at `kept`, ascending, moved within the array, which is as long as the longest of them."""
    if len(kept) == len(modality.lengths):
        return modality
    features, lengths = modality.features, modality.lengths[kept]
    for block in blocks((len(kept), *features.shape[1:])):
        features[block] = features[kept[block]]  # those that are still to come lie behind
    return RawModality(features[: len(kept), : lengths.max(initial=1)], lengths)


def shorten(name: str, modality: RawModality, steps: int | None, notes: list[str]) -> RawModality:
    """The first `steps` of every sample; None: all of them. `notes` gets a line, about `name`, if some are longer."""
    features, lengths = modality.features, shortened(name, modality.lengths, steps, notes)
    if steps is None or lengths is modality.lengths:
        return modality
    room = zeros((len(features), steps, features.shape[2]))
    for block in blocks(features.shape):
        room[block] = features[block, :steps]
    return RawModality(room, lengths)


def shortened(name: str, lengths: NDArray[np.int64], steps: int | None, notes: list[str]) -> NDArray[np.int64]:
    """Lengths [N] of samples cut to `steps`, with a note on how many are; the same array if none is longer."""
    if steps is None or not (longer := int((lengths > steps).sum())):
        return lengths
    notes.append(f"{name}: {longer} samples cut to their first {steps} steps")
    return np.minimum(lengths, steps)

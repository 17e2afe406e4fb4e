"""The first layout of a store: features [N, T, D] with padding, compressed. It is read, and no longer written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.steps import step_mask
from haemsa.model.data.store.hdf5 import SafeGroup
from haemsa.model.data.streamed import ReadSteps, StoredFeatures, version_of


@dataclass(frozen=True)
class Padded:
    """Where a file has features [N, T, D] with padding. The start of sample `i` is `i * steps`.

    Attributes:
        name: Their name in the HDF5 file.
        steps: T.
    """

    name: str
    steps: int

    def open(self, path: Path) -> ReadSteps:
        """What reads their steps from the file at `path`, which stays open."""
        features: Any = h5py.File(path, "r")[self.name]

        def read(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[Any]:
            rows, longest = starts // self.steps, int(lengths.max(initial=0))
            found = [
                features[rows[run.start] : rows[run.stop - 1] + 1, :longest][step_mask(lengths[run], longest)]
                for run in _runs(rows)
            ]
            return np.concatenate([np.zeros((0, features.shape[2]), features.dtype), *found])

        return read


def find(file: SafeGroup, path: Path, group: str, lengths: NDArray[np.int64]) -> StoredFeatures:
    """The features of the modality at `group` in an open file. Raises ValueError if their form is another."""
    name = f"{group}/features"
    array = file.array(name)
    if array.dtype not in (np.float32, np.float16) or array.ndim != 3 or len(array) != len(lengths):
        form = f"{array.dtype} {list(array.shape)}"
        raise ValueError(f"{name!r} holds {form}, expected float32 or float16 [{len(lengths)}, T, D]")
    starts, place = np.arange(len(lengths)) * array.shape[1], Padded(name, array.shape[1])
    return StoredFeatures(path.resolve(), version_of(path), place, array.shape, starts, lengths)


def _runs(rows: NDArray[np.int64]) -> Iterator[slice]:
    """Where rows follow each other, which are read in one go."""
    begins = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
    yield from (slice(*run) for run in zip(begins, np.append(begins, len(rows))[1:], strict=True))

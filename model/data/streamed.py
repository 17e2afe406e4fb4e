"""Features that stay in their HDF5 store, and are read when a batch needs them: for data larger than memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.steps import standardise, step_mask

Version = tuple[int, int]
"""Bytes, and when it was last changed in nanoseconds: what tells a file from what is there later."""


def version_of(path: Path) -> Version:
    """The version of the file at `path` now."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


@dataclass(frozen=True, eq=False)
class StoredFeatures:
    """Features [N, T, D] of one modality in a file; read as float32, however they are stored.

    version: of the file that `rows` and `lengths` belong to; another one is refused. rows: int64 [N], which sample of
    the file each one is; lengths: int64 [N], beyond which all is zero. scaling: mean and scale [D] by which features
    are normalised as they are read. It may be sent to another process, which opens the file for itself.
    """

    path: Path
    version: Version
    place: str
    shape: tuple[int, int, int]
    rows: NDArray[np.int64]
    lengths: NDArray[np.int64]
    scaling: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    dtype = np.dtype(np.float32)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, samples: slice | NDArray[np.int64]) -> NDArray[np.float32]:
        """Features [n, T, D] of some samples."""
        return self.read(np.arange(len(self))[samples])

    def read(self, samples: NDArray[np.int64], steps: int | None = None) -> NDArray[np.float32]:
        """Features [n, steps, D] of the samples at these places: their first steps; None: all of them."""
        count = self.shape[1] if steps is None else steps
        rows, found = self.rows[samples], np.empty((len(samples), count, self.shape[2]), np.float32)
        starts = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
        for start, end in zip(starts, np.append(starts, len(rows))[1:], strict=True):  # rows that follow one another
            found[start:end] = self.data[rows[start] : rows[end - 1] + 1, :count]
        lengths = np.minimum(self.lengths[samples], count)
        if self.scaling is None:
            found[~step_mask(lengths, count)] = 0
        else:
            standardise(found, lengths, *self.scaling)
        return found

    def select(self, samples: NDArray[np.int64]) -> StoredFeatures:
        """The same features for some samples, in their order."""
        shape = (len(samples), *self.shape[1:])
        return replace(self, shape=shape, rows=self.rows[samples], lengths=self.lengths[samples])

    def scaled(self, mean: NDArray[np.float32], scale: NDArray[np.float32]) -> StoredFeatures:
        """The same features, normalised as they are read."""
        return replace(self, scaling=(mean, scale))

    @cached_property
    def data(self) -> Any:
        """The open `h5py.Dataset`. Raises ValueError if the file is another than the one that was read first."""
        file = h5py.File(self.path, "r")
        if version_of(self.path) != self.version:
            file.close()
            raise ValueError(f"{self.path} has changed since it was read, expected it to stay while it is in use")
        return file[self.place]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "data"}

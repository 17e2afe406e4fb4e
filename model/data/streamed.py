"""Features that stay in their HDF5 store and are read when a batch needs them. For data larger than memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.steps import standardise, step_mask

Version = tuple[int, int]
"""A file's bytes, and the time of its last change in nanoseconds: they tell whether it is still the same file."""


def version_of(path: Path) -> Version:
    """The version of the file at `path` now."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@dataclass(frozen=True, eq=False)
class StoredFeatures:
    """Features [N, T, D] of one modality in a file. They are read as float32, also where the file has float16.

    It can be sent to another process, which opens the file for itself.

    Attributes:
        path: The HDF5 file.
        version: The version of the file that `rows` and `lengths` belong to; another version is refused.
        place: Where the file has the features, an HDF5 path.
        shape: N, T and D.
        rows: int64 [N], the row of each sample in the file.
        lengths: int64 [N]; what lies beyond is read as zero.
        scaling: The mean and the scale [D] by which features are normalised when they are read, if they are.
        columns: int64 [D], the column of each feature in the file, if they are not those of the file.
    """

    path: Path
    version: Version
    place: str
    shape: tuple[int, int, int]
    rows: NDArray[np.int64]
    lengths: NDArray[np.int64]
    scaling: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
    columns: NDArray[np.int64] | None = None

    dtype = np.dtype(np.float32)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, samples: slice | NDArray[np.int64]) -> NDArray[np.float32]:
        """The features [n, T, D] of some samples."""
        return self.read(np.arange(len(self))[samples])

    def read(self, samples: NDArray[np.int64], steps: int | None = None) -> NDArray[np.float32]:
        """The first `steps` (None: all T) of the samples at these places, [n, steps, D]."""
        count = self.shape[1] if steps is None else steps
        rows, features = self.rows[samples], np.empty((len(samples), count, self.shape[2]), np.float32)
        starts = np.flatnonzero(np.diff(rows, prepend=-2) != 1)  # where a run of consecutive rows begins
        for start, end in zip(starts, np.append(starts, len(rows))[1:], strict=True):
            run = self.data[rows[start] : rows[end - 1] + 1, :count]
            features[start:end] = run if self.columns is None else run[:, :, self.columns]
        lengths = np.minimum(self.lengths[samples], count)
        if self.scaling is None:
            features[~step_mask(lengths, count)] = 0
        else:
            standardise(features, lengths, *self.scaling)
        return features

    def select(self, samples: NDArray[np.int64]) -> StoredFeatures:
        """The same features for some samples, in their order."""
        shape = (len(samples), *self.shape[1:])
        return replace(self, shape=shape, rows=self.rows[samples], lengths=self.lengths[samples])

    def in_columns(self, places: NDArray[np.int64]) -> StoredFeatures:
        """Only the features at `places`, in their order."""
        assert self.scaling is None, "features are normalised last"
        columns = places if self.columns is None else self.columns[places]
        return replace(self, shape=(*self.shape[:2], len(places)), columns=columns)

    def scaled(self, mean: NDArray[np.float32], scale: NDArray[np.float32]) -> StoredFeatures:
        """The same features, normalised when they are read."""
        return replace(self, scaling=(mean, scale))

    @cached_property
    def data(self) -> Any:
        """The open `h5py.Dataset`. Raises ValueError if the file has changed since it was first read."""
        import h5py  # only here: a registered model does not need it

        file = h5py.File(self.path, "r")
        if version_of(self.path) != self.version:
            file.close()
            raise ValueError(f"{self.path} has changed since it was read, expected it to stay while it is in use")
        return file[self.place]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "data"}

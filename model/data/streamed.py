"""Features that stay in their store and are read when a batch needs them. For data larger than memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.steps import standardise_steps, step_mask

Version = tuple[int, int]
"""A file's bytes, and the time of its last change in nanoseconds: they tell whether it is still the same file."""
ReadSteps = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[Any]]
"""Reads steps [S, D], float16 or float32: for each sample from its start on, as many as its length tells."""


class Place(Protocol):
    """Where a file has the steps of one modality. Those of a sample follow each other, and its start is the first."""

    def open(self, path: Path) -> ReadSteps:
        """What reads them from the file at `path`, which stays open."""


def version_of(path: Path) -> Version:
    """The version of the file at `path` now."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@dataclass(frozen=True, eq=False)
class StoredFeatures:
    """Features [N, T, D] of one modality in a file. They are read as float32, also where the file has float16.

    It can be sent to another process, which opens the file for itself.

    Attributes:
        path: The file.
        version: The version of the file that `starts` and `lengths` belong to; another version is refused.
        place: Where the file has the features.
        shape: N, T and D.
        starts: int64 [N], the first step of each sample in the file.
        lengths: int64 [N]; what lies beyond is read as zero.
        scaling: The mean and the scale [D] by which features are normalised when they are read, if they are.
        columns: int64 [D], the column of each feature in the file, if they are not those of the file.
    """

    path: Path
    version: Version
    place: Place
    shape: tuple[int, int, int]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    scaling: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
    columns: NDArray[np.int64] | None = None

    dtype = np.dtype(np.float32)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, samples: slice | NDArray[np.int64]) -> NDArray[np.float32]:
        """The features [n, T, D] of some samples."""
        return self.read(np.arange(len(self))[samples])

    def read(self, samples: NDArray[np.int64], steps: int | None = None) -> NDArray[np.float32]:
        """The first `steps` (None: all T) of the samples at these places, [n, steps, D]."""
        count = self.shape[1] if steps is None else steps
        lengths = np.minimum(self.lengths[samples], count)
        return self.padded(samples, lengths, step_mask(lengths, count))

    def padded(
        self, samples: NDArray[np.int64], lengths: NDArray[np.int64], real: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """What `rows` gives, one step after the other where `real` is true, and zeros elsewhere, [*real.shape, D]."""
        found, shape = self.rows(samples, lengths), (*real.shape, self.shape[2])
        if real.all():
            return found.reshape(shape)
        features = np.zeros(shape, np.float32)
        features[real] = found
        return features

    def rows(self, samples: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.float32]:
        """The first steps of the samples at these places, as many as `lengths` tells, one after the other: [S, D]."""
        found = self.read_steps(self.starts[samples], lengths)
        found = _float32(found if self.columns is None else found[:, self.columns])
        if self.scaling is not None:
            standardise_steps(found, *self.scaling)
        return found

    def select(self, samples: NDArray[np.int64]) -> StoredFeatures:
        """The same features for some samples, in their order."""
        shape = (len(samples), *self.shape[1:])
        return replace(self, shape=shape, starts=self.starts[samples], lengths=self.lengths[samples])

    def in_columns(self, places: NDArray[np.int64]) -> StoredFeatures:
        """Only the features at `places`, in their order."""
        assert self.scaling is None, "features are normalised last"
        columns = places if self.columns is None else self.columns[places]
        return replace(self, shape=(*self.shape[:2], len(places)), columns=columns)

    def scaled(self, mean: NDArray[np.float32], scale: NDArray[np.float32]) -> StoredFeatures:
        """The same features, normalised when they are read."""
        return replace(self, scaling=(mean, scale))

    @cached_property
    def read_steps(self) -> ReadSteps:
        """Reads steps of the open file. Raises ValueError if the file has changed since it was first read."""
        opened = self.place.open(self.path)
        if version_of(self.path) != self.version:
            raise ValueError(f"{self.path} has changed since it was read, expected it to stay while it is in use")
        return opened

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "read_steps"}


def rows_of(
    features: NDArray[np.float32] | StoredFeatures, lengths: NDArray[np.int64], samples: NDArray[np.int64] | slice
) -> NDArray[np.float32]:
    """The steps of some of the samples without padding, one after the other: [S, D]."""
    if isinstance(features, StoredFeatures):
        return features.rows(np.arange(len(features))[samples], lengths[samples])
    return features[samples][step_mask(lengths[samples], features.shape[1])]


def _float32(numbers: NDArray[Any]) -> NDArray[np.float32]:
    """The same numbers, float16 or float32, as float32. Torch does that four times as fast as numpy."""
    if numbers.dtype == np.float32:
        return numbers
    import torch

    return torch.from_numpy(numbers).float().numpy()

"""One feature stream: `Modality`. Axes: `N` samples, `T` time steps, `D` features."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.steps import blocks, step_mask
from haemsa.model.data.streamed import StoredFeatures, version_of


@dataclass(frozen=True, eq=False)
class Modality:
    """One feature stream of all samples, such as text or audio.

    Args:
        features: float32 [N, T, D], finite, and zero beyond each sample's length. Features that stay in their file
            (`StoredFeatures`) are not checked, because their writer checked them.
        lengths: int64 [N], the time steps of each sample, 0 to T. A sample of length 0 lacks this modality.
        columns: The names of the D features, each once; none if they are not known.

    Raises:
        ValueError: The features, lengths or names have another type or shape, or break one of these rules.

    Example:
        >>> import numpy as np
        >>> audio = Modality(np.ones((2, 1, 4), np.float32), lengths=np.array([1, 1]))
        >>> audio.steps, audio.width, audio.presence.tolist()
        (1, 4, [True, True])
        >>> audio.hidden(np.array([True, False])).lengths.tolist()
        [0, 1]
    """

    features: NDArray[np.float32] | StoredFeatures
    lengths: NDArray[np.int64]
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = self.features.shape
        if self.features.dtype != np.float32 or len(shape) != 3 or 0 in shape[1:]:
            raise ValueError(f"features are {self.features.dtype} {list(shape)}, expected float32 [N, T, D]")
        if self.lengths.dtype != np.int64 or self.lengths.shape != shape[:1]:
            form = f"{self.lengths.dtype} {list(self.lengths.shape)}"
            raise ValueError(f"lengths are {form}, expected int64 [{shape[0]}]")
        outside = (self.lengths < 0) | (self.lengths > self.steps)
        if outside.any():
            raise ValueError(f"a length is {self.lengths[outside][0]}, expected 0 to {self.steps}")
        check_columns(self.columns, self.width)
        if isinstance(self.features, StoredFeatures):
            return
        for block in blocks(shape):
            if not np.isfinite(self.features[block]).all():
                raise ValueError("a feature is not finite, expected them filled beforehand")
            if self.features[block][~step_mask(self.lengths[block], self.steps)].any():
                raise ValueError("a feature beyond its sample's length is not zero, expected zero padding")

    @property
    def steps(self) -> int:
        """T, the most time steps that a sample can have."""
        return int(self.features.shape[1])

    @property
    def width(self) -> int:
        """D, the features of each time step."""
        return int(self.features.shape[2])

    @property
    def presence(self) -> NDArray[np.bool_]:
        """Which samples have this modality, [N]."""
        return np.asarray(self.lengths > 0)

    @cached_property
    def moments(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The mean and the mean square of each sample over its steps, [N, D] each; 0 where it is absent."""
        mean, square = np.empty((2, len(self.lengths), self.width), np.float32)
        for block in blocks(self.features.shape):
            features = self.features[block]
            counts = np.maximum(self.lengths[block], 1).astype(np.float32)[:, None]
            mean[block], square[block] = features.sum(1) / counts, np.square(features).sum(1) / counts
        return mean, square

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the features' bytes as float32, in hexadecimal digits."""
        digest = hashlib.sha256(f"{self.features.shape}".encode())
        for block in blocks(self.features.shape):
            digest.update(np.ascontiguousarray(self.features[block]).view(np.uint8).data)
        return digest.hexdigest()

    def hidden(self, where: NDArray[np.bool_]) -> Modality:
        """The same stream, absent in the samples `where`, bool [N]."""
        if not (where & self.presence).any():
            return self
        lengths = np.where(where, 0, self.lengths)
        if isinstance(self.features, StoredFeatures):
            return Modality(replace(self.features, lengths=lengths), lengths, self.columns)
        return Modality(np.where(where[:, None, None], np.float32(0), self.features), lengths, self.columns)

    def moved(self, path: Path) -> Modality:
        """The same stored stream, read from a copy of its file at `path`. Moments that are known are kept."""
        assert isinstance(self.features, StoredFeatures)
        copy = replace(self, features=replace(self.features, path=path, version=version_of(path)))
        copy.__dict__.update({name: value for name, value in self.__dict__.items() if name == "moments"})
        return copy

    def take(self, indices: NDArray[np.int64]) -> Modality:
        """The same stream for the samples at `indices`, in their order. Moments that are known are kept."""
        whole = self.features
        features = whole.select(indices) if isinstance(whole, StoredFeatures) else whole[indices]
        taken = Modality(features, self.lengths[indices], self.columns)
        if known := self.__dict__.get("moments"):
            taken.__dict__.update(moments=tuple(values[indices] for values in known))
        return taken

    def in_columns(self, places: NDArray[np.int64]) -> Modality:
        """The same stream with only the features at `places`, in their order."""
        columns = tuple(self.columns[place] for place in places) if self.columns else ()
        if isinstance(self.features, StoredFeatures):
            return Modality(self.features.in_columns(places), self.lengths, columns)
        return Modality(self.features[:, :, places], self.lengths, columns)


def check_columns(columns: Sequence[str], width: int) -> None:
    """Raise ValueError unless there is no name, or a name of its own for each of `width` features."""
    if columns and (len(columns) != width or len(set(columns)) != width):
        raise ValueError(f"there are {len(set(columns))} distinct names of features, expected {width}, or none")

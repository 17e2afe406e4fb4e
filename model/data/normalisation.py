"""Feature statistics of the training split. They normalise any split, and are saved with a trained model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import Dataset, Modality
from haemsa.model.data.steps import blocks, standardise
from haemsa.model.data.streamed import StoredFeatures, rows_of


@dataclass(frozen=True, eq=False)
class Normalisation:
    """The mean and the scale (standard deviation) of each feature.

    Attributes:
        mean: float32 [D] for each modality.
        scale: float32 [D] for each modality. It is infinite for a column that is constant in training, so this column
            becomes 0 in every split.

    Example:
        >>> from haemsa.model.data.builtin.planted import planted
        >>> data = planted(sizes=(20, 10, 10))
        >>> normalised = Normalisation.fit(data).apply(data)
        >>> features = normalised.part("train").modalities["text"].features
        >>> bool(abs(features.sum(axis=(0, 1))).max() < 1)
        True
    """

    mean: dict[str, NDArray[np.float32]]
    scale: dict[str, NDArray[np.float32]]

    @classmethod
    def fit(cls, dataset: Dataset, indices: NDArray[np.int64] | None = None) -> Normalisation:
        """The statistics of a data set, without padding and without samples that lack the modality.

        Args:
            dataset: The data.
            indices: The samples that count; the training split by default.

        Raises:
            ValueError: A feature is not finite.
        """
        samples = dataset.split("train") if indices is None else indices
        mean, scale = {}, {}
        for name, modality in dataset.modalities.items():
            mean[name], scale[name] = _statistics(modality, samples)
            if not np.isfinite(mean[name]).all():
                raise ValueError(f"modality {name!r} has a feature that is not finite, expected them filled beforehand")
        return cls(mean, scale)

    def apply(self, dataset: Dataset) -> Dataset:
        """The data set with normalised features. Padding and absent modalities stay exactly zero."""
        modalities = {
            name: Modality(self._features(name, modality), modality.lengths, modality.columns)
            for name, modality in dataset.modalities.items()
        }
        return replace(dataset, modalities=modalities)

    def _features(self, name: str, modality: Modality) -> NDArray[np.float32] | StoredFeatures:
        if isinstance(modality.features, StoredFeatures):
            return modality.features.scaled(self.mean[name], self.scale[name])
        return self.arrays(name, modality.features, modality.lengths)

    def arrays(self, name: str, raw: NDArray[Any], lengths: NDArray[np.int64]) -> NDArray[np.float32]:
        """Normalise the raw features of one modality. Non-finite numbers become 0, the mean.

        Args:
            name: The modality.
            raw: Its features [N, T, D].
            lengths: The time steps of each sample, int64 [N].

        Raises:
            ValueError: The modality is unknown, or a shape does not fit.
        """
        if name not in self.mean:
            raise ValueError(f"modality {name!r} is unknown, expected one of {', '.join(self.mean)}")
        width = len(self.mean[name])
        if raw.ndim != 3 or raw.shape[2] != width or lengths.shape != raw.shape[:1]:
            raise ValueError(
                f"modality {name!r} has features {list(raw.shape)} and lengths {list(lengths.shape)}, "
                f"expected [N, T, {width}] and [N]"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            features = raw.astype(np.float32)
        standardise(features, lengths, self.mean[name], self.scale[name])
        return features

    def to_arrays(self) -> dict[str, NDArray[np.float32]]:
        """Flat arrays "name.mean" and "name.scale", which are saved with a model."""
        means = {f"{name}.mean": array for name, array in self.mean.items()}
        return means | {f"{name}.scale": array for name, array in self.scale.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.float32]]) -> Normalisation:
        """Read what `to_arrays` gave.

        Raises:
            ValueError: A key has another form, or a modality has only one of the two arrays.
        """
        parts: dict[str, dict[str, NDArray[np.float32]]] = {"mean": {}, "scale": {}}
        for key, array in arrays.items():
            name, _, part = key.rpartition(".")
            if not name or part not in parts:
                raise ValueError(f"normalisation holds {key!r}, expected 'modality.mean' and 'modality.scale'")
            parts[part][name] = np.asarray(array, dtype=np.float32)
        incomplete = sorted(set(parts["mean"]) ^ set(parts["scale"]))
        if incomplete:
            raise ValueError(f"normalisation of {', '.join(incomplete)} is incomplete, expected a mean and a scale")
        return cls(parts["mean"], parts["scale"])


def is_constant(mean: NDArray[Any], deviation: NDArray[Any]) -> NDArray[np.bool_]:
    """Which columns deviate by no more than the rounding of float32, whatever their unit.

    Example:
        >>> is_constant(np.array([1e6, 1e6, 0.0, 0.0]), np.array([1.0, 0.1, 1e-20, 0.0])).tolist()
        [False, True, False, True]
    """
    rounding = np.finfo(np.float32)
    return np.asarray(deviation <= 2 * rounding.eps * np.abs(mean) + rounding.tiny)


def _statistics(modality: Modality, samples: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and scale [D]. Sums are float64, over one block of samples at a time, to need little memory."""
    count, total, square = 0, np.zeros(modality.width), np.zeros(modality.width)
    centre = None
    for part in blocks((len(samples), modality.steps, modality.width)):
        rows = rows_of(modality.features, modality.lengths, samples[part]).astype(np.float64)
        if not len(rows):
            continue
        if centre is None:
            centre = rows[0].copy()  # sums around a value of the column lose no digits
        rows -= centre
        count += len(rows)
        total += rows.sum(axis=0)
        square += (rows**2).sum(axis=0)
    if centre is None:
        return np.zeros(modality.width, np.float32), np.ones(modality.width, np.float32)
    shift = total / count
    mean = centre + shift
    std = np.sqrt(np.maximum(square / count - shift**2, 0))
    return mean.astype(np.float32), np.where(is_constant(mean, std), np.inf, std).astype(np.float32)

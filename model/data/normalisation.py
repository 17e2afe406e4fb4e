"""Feature statistics of the training split, applied to any split and kept with a trained model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import Dataset, Modality
from haemsa.model.data.steps import blocks, standardise, step_mask
from haemsa.model.data.streamed import StoredFeatures


@dataclass(frozen=True, eq=False)
class Normalisation:
    """Per modality the mean and the scale (standard deviation), float32 [D].

    The scale of a column that is constant in training is infinite: it normalises to 0 in every split.
    """

    mean: dict[str, NDArray[np.float32]]
    scale: dict[str, NDArray[np.float32]]

    @classmethod
    def fit(cls, dataset: Dataset, indices: NDArray[np.int64] | None = None) -> Normalisation:
        """Statistics over present, unpadded steps of the samples at `indices` (default: the training split)."""
        samples = dataset.split("train") if indices is None else indices
        mean, scale = {}, {}
        for name, modality in dataset.modalities.items():
            mean[name], scale[name] = _statistics(modality, samples)
            if not np.isfinite(mean[name]).all():
                raise ValueError(f"modality {name!r} has a feature that is not finite, expected them filled beforehand")
        return cls(mean, scale)

    def apply(self, dataset: Dataset) -> Dataset:
        """The data set with normalised features; padding and absent modalities stay exactly zero."""
        modalities = {
            name: Modality(self._features(name, modality), modality.lengths)
            for name, modality in dataset.modalities.items()
        }
        return replace(dataset, modalities=modalities)

    def _features(self, name: str, modality: Modality) -> NDArray[np.float32] | StoredFeatures:
        if isinstance(modality.features, StoredFeatures):
            return modality.features.scaled(self.mean[name], self.scale[name])
        return self.arrays(name, modality.features, modality.lengths)

    def arrays(self, name: str, raw: NDArray[Any], lengths: NDArray[np.int64]) -> NDArray[np.float32]:
        """Normalise one modality's raw features [N, T, D]; non-finite cells become 0, the mean.

        Raises ValueError for an unknown modality or a shape that does not fit.
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
        """Flat arrays "name.mean" and "name.scale", to be saved with a model."""
        means = {f"{name}.mean": array for name, array in self.mean.items()}
        return means | {f"{name}.scale": array for name, array in self.scale.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.float32]]) -> Normalisation:
        """Read `to_arrays`' value. Raises ValueError for a key of another form, or one without its partner."""
        parts: dict[str, dict[str, NDArray[np.float32]]] = {"mean": {}, "scale": {}}
        for key, array in arrays.items():
            name, _, part = key.rpartition(".")
            if not name or part not in parts:
                raise ValueError(f"normalisation holds {key!r}, expected 'modality.mean' and 'modality.scale'")
            parts[part][name] = np.asarray(array, dtype=np.float32)
        odd = sorted(set(parts["mean"]) ^ set(parts["scale"]))
        if odd:
            raise ValueError(f"normalisation of {', '.join(odd)} is incomplete, expected a mean and a scale")
        return cls(parts["mean"], parts["scale"])


def _statistics(modality: Modality, samples: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and scale [D]; sums run in float64, one sample block at a time, to keep memory low."""
    count, total, square = 0, np.zeros(modality.width), np.zeros(modality.width)
    centre = None
    for part in blocks((len(samples), modality.steps, modality.width)):
        block = samples[part]
        rows = modality.features[block][step_mask(modality.lengths[block], modality.steps)].astype(np.float64)
        if not len(rows):
            continue
        if centre is None:
            centre = rows[0].copy()  # sums around a value of the column do not cancel
        rows -= centre
        count += len(rows)
        total += rows.sum(axis=0)
        square += (rows**2).sum(axis=0)
    if centre is None:
        return np.zeros(modality.width, np.float32), np.ones(modality.width, np.float32)
    shift = total / count
    mean = centre + shift
    std = np.sqrt(np.maximum(square / count - shift**2, 0))
    constant = std <= 1e-6 * np.abs(mean) + 1e-12
    return mean.astype(np.float32), np.where(constant, np.inf, std).astype(np.float32)

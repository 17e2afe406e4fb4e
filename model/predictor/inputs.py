"""What a model predicts from: raw features, where modalities can be missing.

Axes: `N` samples, `T` time steps, `D` features.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import FeatureMeans
from haemsa.model.data.dataset import Dataset, Modality
from haemsa.model.data.normalisation import Normalisation
from haemsa.model.data.samples import Samples
from haemsa.model.data.steps import step_mask
from haemsa.model.data.streamed import StoredFeatures
from haemsa.model.schema import Schema

Inputs = Mapping[str, tuple[NDArray[Any] | StoredFeatures, NDArray[np.int64]]]
"""Raw features [N, T, D] and lengths [N] by modality. A modality that is absent is left out, or has length 0."""
Sizes = Mapping[str, tuple[int, int]]
"""Time steps and features by modality."""


Data = TypeVar("Data", Dataset, Samples)


def inputs_of(dataset: Dataset | Samples, known: Collection[str] | None = None) -> Inputs:
    """The raw features of a data set, as a model reads them: all modalities, or only those that are `known`."""
    names = [name for name in dataset.modalities if known is None or name in known]
    return {name: (dataset.modalities[name].features, dataset.modalities[name].lengths) for name in names}


def fitting(dataset: Data, schema: Schema) -> Data:
    """The data with the features that a model was trained on, in their order, if both have names for them.

    Modalities that the model does not know stay as they are.

    Raises:
        ValueError: Features of the model are missing, or a modality has another number of them.
    """
    modalities: dict[str, Any] = dict(dataset.modalities)
    for name in schema.modalities.keys() & modalities.keys():
        places = schema.places_of(name, modalities[name].columns, modalities[name].width)
        if places is not None:
            modalities[name] = modalities[name].in_columns(places)
    return replace(dataset, modalities=modalities)


def means_by(schema: Schema, means: Mapping[str, NDArray[np.float32]]) -> FeatureMeans:
    """A function that gives the means of a model for features of new data, in the order of that data.

    It raises ValueError as `fitting`. Features that the model does not know have the mean 0.
    """

    def means_of(name: str, columns: tuple[str, ...], width: int) -> NDArray[np.float32]:
        if name not in schema.modalities:
            return np.zeros(width, np.float32)
        places = schema.places_of(name, columns, width)
        if places is None:
            return means[name]
        found = np.zeros(width, np.float32)
        found[places] = means[name]
        return found

    return means_of


def count_samples(inputs: Inputs, known: Sizes) -> int:
    """N. Raises ValueError if inputs do not fit the modalities that a model knows, or each other."""
    unknown = sorted(set(inputs) - set(known))
    if unknown or not inputs:
        given = f"modalities {unknown}" if unknown else "no modality"
        raise ValueError(f"the input has {given}, the model reads {', '.join(known)}")
    count = len(next(iter(inputs.values()))[1])
    for name, (raw, lengths) in inputs.items():
        if len(raw) != count or len(lengths) != count:
            raise ValueError(f"modality {name!r} has {len(raw)} samples, expected {count} as the others")
    return count


def normalised(
    inputs: Inputs, samples: NDArray[np.int64], known: Sizes, read: Collection[str], normalisation: Normalisation
) -> dict[str, Modality]:
    """The known modalities of some samples, normalised, with only the steps that the longest sample needs.

    A sample has at most as many steps as the model knows. Modalities that are absent, or that no network reads, have
    length 0. So has a sample without any finite cell, as in training.
    """
    modalities = {}
    for name, (steps, width) in known.items():
        raw, lengths = np.zeros((len(samples), 1, width), np.float32), np.zeros(len(samples), np.int64)
        if name in inputs and name in read:
            features, all_lengths = inputs[name]
            lengths = np.minimum(all_lengths[samples], steps).astype(np.int64)
            longest = max(1, int(lengths.max(initial=0)))
            if isinstance(features, StoredFeatures):
                raw = features.read(samples, longest)
            else:
                raw = np.asarray(features)[samples, :longest]
                lengths[_without_numbers(raw, lengths)] = 0
        modalities[name] = Modality(normalisation.arrays(name, raw, lengths), lengths)
    return modalities


def _without_numbers(raw: NDArray[Any], lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which samples of features [N, T, D] have no finite cell within their length, [N]."""
    if raw.ndim != 3 or lengths.shape != raw.shape[:1]:
        return np.zeros(len(lengths), dtype=bool)  # `Normalisation.arrays` says what is wrong
    finite: NDArray[np.bool_] = np.isfinite(raw).any(axis=2) & step_mask(lengths, raw.shape[1])
    return np.asarray(~finite.any(axis=1))

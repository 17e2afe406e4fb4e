"""What a model predicts from: raw features, where modalities can be missing.

Axes: `N` samples, `T` time steps, `D` features.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import Dataset, Modality
from haemsa.model.data.normalisation import Normalisation
from haemsa.model.data.streamed import StoredFeatures
from haemsa.model.schema import Schema

Inputs = Mapping[str, tuple[NDArray[Any] | StoredFeatures, NDArray[np.int64]]]
"""Raw features [N, T, D] and lengths [N] by modality. A modality that is absent is left out, or has length 0."""
Sizes = Mapping[str, tuple[int, int]]
"""Time steps and features by modality."""


def inputs_of(dataset: Dataset, known: Collection[str] | None = None) -> Inputs:
    """The raw features of a data set, as a model reads them: all modalities, or only those that are `known`."""
    names = [name for name in dataset.modalities if known is None or name in known]
    return {name: (dataset.modalities[name].features, dataset.modalities[name].lengths) for name in names}


def fitting(dataset: Dataset, schema: Schema) -> Dataset:
    """The data with the features that a model was trained on, in their order, if both have names for them.

    Modalities that the model does not know stay as they are.

    Raises:
        ValueError: Features of the model are missing, or a modality has another number of them.
    """
    modalities = dict(dataset.modalities)
    for name in schema.modalities.keys() & modalities.keys():
        places = schema.places_of(name, modalities[name].columns, modalities[name].width)
        if places is not None:
            modalities[name] = modalities[name].in_columns(places)
    return replace(dataset, modalities=modalities)


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
    length 0.
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
        modalities[name] = Modality(normalisation.arrays(name, raw, lengths), lengths)
    return modalities

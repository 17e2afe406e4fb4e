"""Using a saved model: metrics for every subset of modalities, and predictions as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from haemsa.model.data.dataset import Dataset
from haemsa.model.data.sources import load
from haemsa.model.missing_modalities import RATES, random_presence, streams_of, subsets
from haemsa.model.predictor.scores import Table, score

if TYPE_CHECKING:
    from haemsa.model.predictor.predictor import Predictor


def load_model(address: str | Path) -> Predictor:
    """A saved model: a folder made by `haemsa train` or a search's best/, or models:/... in MLflow's registry."""
    from haemsa.model.predictor.predictor import Predictor
    from haemsa.model.training.process import prepare_process

    prepare_process()
    if str(address).startswith(("runs:/", "models:/")):
        from haemsa.cluster.tracking.fetch import fetch_model

        return Predictor.load(fetch_model(str(address)))
    path = Path(address)
    best = path / "best"
    return Predictor.load(best if best.is_dir() else path)


def load_for(predictor: Predictor, data: str) -> Dataset:
    """Data that the model can read. Raises ValueError naming what does not fit."""
    dataset = load(data)
    for name, task in predictor.tasks.items():
        given = dataset.tasks.get(name)
        if given is not None and (given.kind, given.labels) != (task.kind, task.labels):
            raise ValueError(f"task {name!r} of data {dataset.name!r} is not the one that the model was trained on")
    for name, (_, width) in predictor.modalities.items():
        given_modality = dataset.modalities.get(name)
        if given_modality is not None and given_modality.width != width:
            raise ValueError(f"modality {name!r} has {given_modality.width} features, the model was trained on {width}")
    if not set(dataset.modalities) & set(predictor.modalities):
        raise ValueError(f"data {dataset.name!r} has none of the model's modalities {', '.join(predictor.modalities)}")
    return dataset


@dataclass(frozen=True)
class Assessed:
    """A table of metrics; and by task, of a model that is calibrated, `coverage` of its intervals, or `ece`."""

    table: Table
    reliability: Mapping[str, float]


def evaluate(predictor: Predictor, dataset: Dataset, split: str = "test", *, missing: bool = False) -> dict[str, Table]:
    """Metrics on a split by what is shown: all modalities ("text+audio"); with `missing` every subset of them too,
    and random ones at each of `RATES` ("30% missing").
    """
    return {name: found.table for name, found in assess(predictor, dataset, split, missing=missing).items()}


def assess(predictor: Predictor, dataset: Dataset, split: str, *, missing: bool) -> dict[str, Assessed]:
    """What `evaluate` gives, and how far predictions are to be trusted. Raises ValueError for data without labels."""
    part = dataset.take(dataset.split(split))
    unknown = sorted(set(predictor.tasks) - set(part.tasks))
    if unknown:
        raise ValueError(
            f"data {dataset.name!r} has no labels for {', '.join(unknown)}, it has {', '.join(part.tasks)}"
        )
    streams = streams_of([name for name in predictor.modalities if name in part.modalities])
    names = list(streams)
    present = np.stack([part.presence_of(streams[name]) for name in names], axis=1)
    shown = {"+".join(names): present}
    if missing:
        shown |= {"+".join(subset): present & np.isin(names, subset) for subset in subsets(names)}
        shown |= {f"{rate:.0%} missing": random_presence(part.ids, names, present, rate) for rate in RATES}
    hidden = [stream for name in names for stream in streams[name]]
    owner = [place for place, name in enumerate(names) for _ in streams[name]]
    return {name: _assessed(predictor, part.hiding(hidden, where[:, owner])) for name, where in shown.items()}


def _assessed(predictor: Predictor, part: Dataset) -> Assessed:
    from haemsa.model.predictor.calibration import reliability, spread_of

    outputs, found = predictor.predict_members(predictor.inputs(part)), dict[str, float]()
    for name, calibration in predictor.calibration.items():
        values, prefix = outputs[name], "" if len(predictor.tasks) == 1 else f"{name}/"
        each = reliability(part.tasks[name], calibration, predictor.mean(values), spread_of(values))
        found |= {f"{prefix}{key}": value for key, value in each.items()}
    return Assessed(score(predictor, part, outputs), found)

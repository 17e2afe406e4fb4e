"""A saved model is loaded, and data that fits it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.shared.given_data import FROM_PYTHON
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.readers.options import AS_IT_IS, Reading
from haemsa.model.data.sources import load
from haemsa.model.predictor.clips import recorded_of
from haemsa.model.predictor.inputs import fitting, means_by
from haemsa.model.predictor.new_samples.new_samples import NewSamples, misfit
from haemsa.model.predictor.new_samples.read import read_samples

if TYPE_CHECKING:
    from haemsa.model.predictor.predictor import Predictor


def load_model(address: str | Path) -> Predictor:
    """Load a saved model.

    Args:
        address: a folder made by `haemsa train`, a run directory (its best network is loaded), or an address in MLflow
            (runs:/... or models:/...).

    Returns:
        The model. Its `predict` takes arrays and returns arrays. Its `predict_clips` takes clips.

    Raises:
        ValueError: there is no model at the address.

    Example:
        >>> model = load_model("models/planted")  # doctest: +SKIP
    """
    from haemsa.model.predictor.predictor import Predictor
    from haemsa.model.training.process import prepare_process

    prepare_process()
    if str(address).startswith(("runs:/", "models:/")):
        from haemsa.cluster.tracking.fetch import fetch_model

        return Predictor.load(fetch_model(str(address)))
    path = Path(address)
    best = path / "best"
    return Predictor.load(best if best.is_dir() else path)


def load_samples(predictor: Predictor, data: str, reading: Reading = AS_IT_IS) -> NewSamples:
    """Read new samples to predict. Labels, splits and groups are not needed, and labels are not read.

    Modalities and columns are found by their names, in any order and among others. Of a model's modalities, only those
    that its networks read count, and at least one must be there.

    Args:
        predictor: the model.
        data: planted, digits, or a path to data of any layout. A YAML file needs no tasks. A table needs no YAML file
            if the model knows the names of its columns. Clips that a YAML file describes are encoded as those of
            training were.
        reading: what is asked of the reader.

    Returns:
        The samples, which are read some at a time.

    Raises:
        ValueError: the data cannot be read, or does not fit the model: it has none of the modalities, columns are
            missing, or a modality has another number of features. Some of this is found only while samples are read.
        FileNotFoundError: the path does not exist.

    Example:
        >>> frame = predictions(model, load_samples(model, "new.csv"))  # doctest: +SKIP
    """
    means = means_by(predictor.schema, predictor.feature_means())
    return read_samples(data, predictor.read, replace(reading, means=means), recorded_of(predictor.info))


def misfits(predictor: Predictor, dataset: Dataset) -> list[str]:
    """Tell which modalities the samples of a data set lack, or have more steps of than a model reads.

    Args:
        predictor: the model.
        dataset: the data, as `load_for` gives it.

    Returns:
        A line for each such modality.

    Example:
        >>> misfits(model, load_for(model, "long.h5"))  # doctest: +SKIP
    """
    notes = list[str]()
    for name, (steps, _) in predictor.read.modalities.items():
        lengths = dataset.modalities[name].lengths if name in dataset.modalities else np.zeros(1, np.int64)
        notes += misfit(name, steps, int(lengths.max()), int((lengths > steps).sum()))
    return notes


def data_of(address: str | Path, predictor: Predictor) -> str:
    """The name or the path of the data that a saved model was trained on.

    Args:
        address: where the model was loaded.
        predictor: the model.

    Raises:
        ValueError: it is not known, because the data was given from Python.

    Example:
        >>> data_of("models/planted", load_model("models/planted"))  # doctest: +SKIP
        'planted'
    """
    if (Path(address) / "config.yaml").is_file():
        with RunDirectory.open(Path(address), read_only=True) as run:
            source = run.config().data
    else:
        given = predictor.info.get("dataset", {}).get("source") == FROM_PYTHON
        source = None if given else predictor.info.get("data")
    if source is None:
        raise ValueError(f"the data of {address} is not known, expected --data with a name or a path")
    return str(source)


def load_for(predictor: Predictor, data: str) -> Dataset:
    """Load data with labels that a model can read, to score the model. Columns are put into the model's order.

    Missing cells get the mean that the model knows from training, as in `load_samples`.

    Args:
        predictor: the model.
        data: planted, digits, or a path to data of any layout.

    Raises:
        ValueError: the data cannot be read, or it does not fit the model: a task or a modality differs from that of
            the training data, columns of the model are missing, or the data has none of the model's modalities.
        FileNotFoundError: the path does not exist.

    Example:
        >>> data = load_for(load_model("models/planted"), "planted")  # doctest: +SKIP
    """
    dataset = load(data, reading=Reading(means=means_by(predictor.schema, predictor.feature_means())))
    for name, trained_task in predictor.tasks.items():
        task = dataset.tasks.get(name)
        if task is not None and (task.kind, task.labels) != (trained_task.kind, trained_task.labels):
            raise ValueError(f"task {name!r} of data {dataset.name!r} is not the one that the model was trained on")
    if not set(dataset.modalities) & set(predictor.modalities):
        raise ValueError(f"data {dataset.name!r} has none of the model's modalities {', '.join(predictor.modalities)}")
    return fitting(dataset, predictor.schema)

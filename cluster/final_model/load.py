"""A saved model is loaded, and data that fits it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from haemsa.model.data.dataset import Dataset
from haemsa.model.data.sources import load

if TYPE_CHECKING:
    from haemsa.model.predictor.predictor import Predictor


def load_model(address: str | Path) -> Predictor:
    """Load a saved model.

    Args:
        address: a folder made by `haemsa train`, a run directory (its best network is loaded), or an address in MLflow
            (runs:/... or models:/...).

    Returns:
        The model. Its `predict` takes arrays and returns arrays.

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


def load_for(predictor: Predictor, data: str) -> Dataset:
    """Load data that a model can read. Columns with names are put into the model's order.

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
    from haemsa.model.predictor.inputs import fitting

    dataset = load(data)
    for name, trained_task in predictor.tasks.items():
        task = dataset.tasks.get(name)
        if task is not None and (task.kind, task.labels) != (trained_task.kind, trained_task.labels):
            raise ValueError(f"task {name!r} of data {dataset.name!r} is not the one that the model was trained on")
    if not set(dataset.modalities) & set(predictor.modalities):
        raise ValueError(f"data {dataset.name!r} has none of the model's modalities {', '.join(predictor.modalities)}")
    return fitting(dataset, predictor.schema)

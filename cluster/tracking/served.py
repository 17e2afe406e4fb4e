"""The code that a registered model runs.

MLflow copies this file next to the weights and runs it to load the model ("models from code"), so nothing is pickled.
The only code of ours that it imports is `haemsa.model`, which is copied too.

In: a DataFrame with a column for each modality. A cell holds the features of a sample, steps by width. If a modality is
missing, the cell is None or there is no such column.
Out: a regression task gives a column with its name. A classes task gives the most likely class in a column with its
name, and the probability of each class in columns `task/class`. A multilabel task gives columns `task/label`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel


class ServedModel(PythonModel):
    """A saved predictor behind MLflow's interface."""

    def load_context(self, context: Any) -> None:
        """Load the saved model that MLflow put on disk."""
        from haemsa.model.predictor.predictor import Predictor

        self.predictor = Predictor.load(context.artifacts["model"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        """Predict every row. Samples with more steps than the training data are cut.

        Raises:
            ValueError: there is no modality that the model reads, or a cell is not steps of the right width.
        """
        inputs = {
            name: _padded(name, list(model_input[name]), steps, width)
            for name, (steps, width) in self.predictor.modalities.items()
            if name in model_input.columns
        }
        if not inputs:
            raise ValueError(f"the input has no modality, expected columns of {', '.join(self.predictor.modalities)}")
        columns: dict[str, Any] = {}
        for name, values in self.predictor.predict(inputs).items():
            columns.update(_columns(name, np.asarray(values), self.predictor.tasks[name]))
        return pd.DataFrame(columns, index=model_input.index)


def _padded(name: str, cells: list[Any], steps: int, width: int) -> tuple[Any, Any]:
    """Features [N, T, D], zero beyond the lengths, and lengths [N], 0 if a cell is None or empty."""
    features = np.zeros((len(cells), steps, width), np.float32)
    lengths = np.zeros(len(cells), np.int64)
    for row, cell in enumerate(cells):
        if cell is None or isinstance(cell, float) or len(cell) == 0:  # a missing cell may arrive as NaN
            continue
        sample = _sample(f"{name} of row {row}", cell[:steps], width)
        features[row, : len(sample)], lengths[row] = sample, len(sample)
    return features, lengths


def _sample(name: str, cell: Any, width: int) -> Any:
    """The steps of a cell as numbers [T, D]. Raises ValueError for anything else."""
    try:
        sample = np.stack([np.asarray(step, np.float32) for step in cell])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not steps of {width} numbers each: {error}") from None
    if sample.ndim != 2 or sample.shape[1] != width:
        raise ValueError(f"{name} has shape {sample.shape}, expected steps of width {width}")
    if not np.isfinite(sample).all():
        raise ValueError(f"{name} has a number that is not finite, expected only finite numbers")
    return sample


def _columns(name: str, values: Any, task: Any) -> dict[str, Any]:
    if task.kind == "regression":
        return {name: values.astype(float)}
    labels = [str(label) for label in task.labels]
    likeliest = {name: [labels[index] for index in values.argmax(axis=1)]} if task.kind == "classes" else {}
    return {**likeliest, **{f"{name}/{label}": values[:, at].astype(float) for at, label in enumerate(labels)}}


set_model(ServedModel())

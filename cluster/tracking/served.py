"""The code that a registered model runs.

MLflow copies this file next to the weights and runs it to load the model ("models from code"), so nothing is pickled.
The only other code of ours is a copy of `haemsa.model` under a name of its own (code_copy.py). It is imported from its
folder. So `sys.path` stays as it is, and the process may have other versions of haemsa, or a `model.py` of its own.

In: a DataFrame with a column for each modality, or for what is said of a clip (model/predictor/clips.py), if training
encoded clips. A cell of a modality holds the features of a sample, steps by width. If a modality is
missing, the cell is None or NaN, or there is no such column. A number that is missing in a step is None or NaN. A
modality whose encoder was fine-tuned with the model has no column: it is made of the text.
Out: the columns of `haemsa predict` that do not belong to single networks (model/predictor/answers.py).
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc.model import PythonModel


class InputError(MlflowException, ValueError):
    """An input that the model cannot read. A server answers with status 400 and this sentence."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, error_code=INVALID_PARAMETER_VALUE)
        self._sentence = sentence

    def serialize_as_json(self) -> str:
        """What a server answers. MLflow would print the whole input before the sentence."""
        return json.dumps({"error_code": self.error_code, "message": self._sentence})


class ServedModel(PythonModel):
    """A saved predictor behind MLflow's interface."""

    def load_context(self, context: Any) -> None:
        """Load the saved model that MLflow put on disk, with its own code."""
        package = _imported(Path(context.artifacts["code"]))
        self.predictor = importlib.import_module(f"{package}.predictor.predictor").Predictor.load(
            context.artifacts["model"]
        )
        self.answer = importlib.import_module(f"{package}.predictor.answers").answer
        self.clips = importlib.import_module(f"{package}.predictor.clips")
        recorded = self.clips.recorded_of(self.predictor.info)
        self.own = {stream for stream, facts in recorded.items() if "adapters" in facts}

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        """Predict every row. Samples with more steps than the training data are cut.

        Raises:
            InputError: there is no modality that the model reads, a cell is not steps of the right width, or a clip
                cannot be encoded.
        """
        for name in self.own & {*model_input.columns}:
            raise InputError(f"{name} is made by an encoder that was fine-tuned with the model, expected text instead")
        inputs = self._encoded(model_input) | {
            name: _padded(name, list(model_input[name]), width)
            for name, (_, width) in self.predictor.modalities.items()
            if name in model_input.columns
        }
        if not inputs:
            given = [*(name for name in self.predictor.modalities if name not in self.own), *["text"][: len(self.own)]]
            raise InputError(f"the input has no modality, expected columns of {', '.join(given)}")
        columns: dict[str, Any] = {}
        for name, outputs in self.predictor.predict_members(inputs).items():
            columns |= self.answer(self.predictor, name, outputs)
        numbers = {
            name: values.astype(float) if values.dtype.kind == "f" else list(values) for name, values in columns.items()
        }
        return pd.DataFrame(numbers, index=model_input.index)

    def _encoded(self, model_input: pd.DataFrame) -> dict[str, tuple[Any, Any]]:
        """The streams of clips, if training encoded clips and the input says something of them."""
        known = self.clips.recorded_of(self.predictor.info)
        keys = [key for key in self.clips.KEYS if key in model_input.columns and key not in self.predictor.modalities]
        if not known or not keys:
            return {}
        try:
            encoders = self.predictor.clip_encoders
            rows = model_input[keys].to_dict("records")
            clips = [self.clips.clip_of(row, f"row {number}") for number, row in enumerate(rows)]
        except ValueError as error:
            raise InputError(str(error)) from None
        made = {}
        for stream in encoders.opened:
            modality = encoders.modality(stream, encoders.encode(stream, clips))
            made[stream] = modality.features, modality.lengths
        return made


def _imported(folder: Path) -> str:
    """Import the package in a folder, whose name no other package has, without a change of `sys.path`."""
    if folder.name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            folder.name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert spec is not None and spec.loader is not None
        sys.modules[folder.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[folder.name])
    return folder.name


def _padded(name: str, cells: list[Any], width: int) -> tuple[Any, Any]:
    """Features [N, T, D], zero beyond the lengths, and lengths [N], 0 if a modality is missing."""
    samples = [_sample(f"{name} of row {row}", cell, width) for row, cell in enumerate(cells)]
    lengths = np.array([len(sample) for sample in samples], np.int64)
    features = np.zeros((len(samples), max(1, int(lengths.max(initial=0))), width), np.float32)
    for row, sample in enumerate(samples):
        features[row, : len(sample)] = sample
    return features, lengths


def _sample(name: str, cell: Any, width: int) -> Any:
    """The steps of a cell as numbers [T, D]. There are none if the cell has no finite number, as when data is read."""
    none = np.empty((0, width), np.float32)
    if cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell)):
        return none
    try:
        steps = [np.asarray(step, np.float32) for step in cell]
    except (TypeError, ValueError):
        raise InputError(f"{name} is not steps of {width} numbers each") from None
    other = next((step.shape for step in steps if step.shape != (width,)), None)
    if other is not None:
        held = f"{other[0]} numbers" if len(other) == 1 else f"shape {list(other)}"
        raise InputError(f"{name} has a step of {held}, expected {width} numbers in each step")
    return np.stack(steps) if steps and np.isfinite(steps).any() else none


set_model(ServedModel())

"""A saved model in MLflow's form: weights as safetensors, code, signature, example, genome and card.

Nothing is pickled. No sample of the data is in it: the example is made from the means of the features.
"""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from haemsa.cluster.shared.files import write_json, write_text
from haemsa.cluster.tracking.code_copy import copy_code
from haemsa.cluster.tracking.records import ModelTrained

if TYPE_CHECKING:
    import pandas as pd

    from haemsa.model.predictor.predictor import Predictor

_REQUIREMENTS: Final = ("mlflow", "torch", "numpy", "pandas", "safetensors")
_ENCODING: Final = ("transformers", "av", "pillow")


def save_pyfunc(record: ModelTrained, card: str, folder: Path, identity: Mapping[str, Any] | None = None) -> Path:
    """Write a saved model in MLflow's form.

    Args:
        record: the model.
        card: its description, as Markdown.
        folder: a folder for the files.
        identity: what `mlflow.models.Model` shall know about its run and its id.

    Returns:
        The folder of the MLflow model.
    """
    import mlflow.pyfunc
    from mlflow.models import Model

    from haemsa.model.predictor.predictor import Predictor

    predictor = Predictor.load(record.model_dir)
    script = folder / "served.py"
    shutil.copyfile(Path(__file__).with_name("served.py"), script)
    path = folder / "mlflow"
    mlflow.pyfunc.save_model(
        path=str(path),
        python_model=str(script),
        artifacts={"model": str(Path(record.model_dir).resolve()), "code": str(copy_code(folder))},
        signature=signature(predictor),
        input_example=input_example(predictor),
        pip_requirements=requirements(_encoding(predictor)),
        streamable=False,
        mlflow_model=Model(**(identity or {})),
    )
    write_text(path / "README.md", card)
    write_text(path / "genome.json", record.genome_json)
    write_json(path / "score.json", {"objective": record.objective, "score": record.score, "data": record.fingerprint})
    return path


def signature(predictor: Predictor) -> Any:
    """In: optional columns, for each modality and for what is said of a clip. Out: the columns that served.py gives.

    A column is of any type. MLflow's arrays cannot be missing in one record and present in another, whole numbers are
    no `double` to it, and many languages write 2.0 as 2 in JSON. served.py checks what it gets.
    """
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, Schema, TensorSpec

    from haemsa.model.predictor.clips import KEYS

    anything = AnyType()  # type: ignore[no-untyped-call]
    names = dict.fromkeys([*_given(predictor), *(KEYS if _encoding(predictor) else ())])
    inputs: list[ColSpec | TensorSpec] = [ColSpec(anything, name=name, required=False) for name in names]
    outputs: list[ColSpec | TensorSpec] = [
        ColSpec("double" if values.dtype.kind == "f" else "string", name=name)
        for name, values in _example_answers(predictor).items()
    ]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def _example_answers(predictor: Predictor) -> dict[str, Any]:
    """The columns of an answer, with one value each."""
    from haemsa.model.predictor.answers import answer

    step = {name: (means[None, None], np.ones(1, np.int64)) for name, means in predictor.feature_means().items()}
    every = predictor.predict_members({name: step[name] for name in predictor.modalities})
    return {
        column: values for task, outputs in every.items() for column, values in answer(predictor, task, outputs).items()
    }


def input_example(predictor: Predictor) -> pd.DataFrame:
    """One sample. Each of its modalities has one step, which holds the means of the features.

    One that the model makes of text itself is a text.
    """
    import pandas as pd

    means, given = predictor.feature_means(), _given(predictor)
    cells: dict[str, Any] = {name: [[[float(value) for value in means[name]]]] for name in given}
    return pd.DataFrame(cells | ({} if len(given) == len(predictor.modalities) else {"text": ["a good film"]}))


def _given(predictor: Predictor) -> list[str]:
    """The modalities whose features can be given. The model makes the others itself."""
    from haemsa.model.predictor.own_features import OwnFeatures

    own = OwnFeatures.of_model(predictor.info).streams
    return [name for name in predictor.modalities if name not in own]


def _encoding(predictor: Predictor) -> tuple[str, ...]:
    """The packages that encode clips for the model. There are none if its training did not encode clips."""
    from haemsa.model.predictor.clips import recorded_of

    more = ("peft",) if len(_given(predictor)) < len(predictor.modalities) else ()
    return (*_ENCODING, *more) if recorded_of(predictor.info) else ()


def requirements(more: Sequence[str] = ()) -> list[str]:
    """The packages that a registered model needs, and `more`, in the versions of this machine.

    A local suffix such as +cpu is left out, because no package index has such a version.
    """
    return [f"{name}=={importlib.metadata.version(name).partition('+')[0]}" for name in (*_REQUIREMENTS, *more)]

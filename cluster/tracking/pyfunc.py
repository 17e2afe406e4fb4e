"""A saved model in MLflow's form: weights as safetensors, code, signature, example, genome and card.

Nothing is pickled. No sample of the data is in it: the example is made from the means of the features.
"""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from haemsa.cluster.shared.files import write_json, write_text
from haemsa.cluster.tracking.records import ModelTrained

if TYPE_CHECKING:
    import pandas as pd

    from haemsa.model.predictor.predictor import Predictor

_REQUIREMENTS: Final = ("mlflow", "torch", "numpy", "pandas", "safetensors")


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
        artifacts={"model": str(Path(record.model_dir).resolve())},
        code_paths=[str(_copy_code(folder))],
        signature=signature(predictor),
        input_example=input_example(predictor),
        pip_requirements=requirements(),
        streamable=False,
        mlflow_model=Model(**(identity or {})),
    )
    write_text(path / "README.md", card)
    write_text(path / "genome.json", record.genome_json)
    write_json(path / "score.json", {"objective": record.objective, "score": record.score, "data": record.fingerprint})
    return path


def _copy_code(folder: Path) -> Path:
    """Copy the package `haemsa` with only its room `model`, without compiled files."""
    import haemsa.model

    target = folder / "haemsa"
    target.mkdir()
    shutil.copyfile(str(haemsa.__file__), target / "__init__.py")
    model = Path(str(haemsa.model.__file__)).parent
    shutil.copytree(model, target / "model", ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    return target


def signature(predictor: Predictor) -> Any:
    """In: an optional column for each modality, of steps by width. Out: the columns that served.py gives.

    A modality is a column, because a tensor cannot be optional in MLflow. Its numbers are of any type, because MLflow
    does not take whole numbers as `double`, and many languages write 2.0 as 2 in JSON.
    """
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, Array, ColSpec, Schema, TensorSpec

    features = Array(Array(AnyType()))  # type: ignore[no-untyped-call]
    inputs: list[ColSpec | TensorSpec] = [ColSpec(features, name=name, required=False) for name in predictor.modalities]
    outputs: list[ColSpec | TensorSpec] = []
    for name, task in predictor.tasks.items():
        if task.kind != "multilabel":
            outputs.append(ColSpec("double" if task.kind == "regression" else "string", name=name))
        if task.kind != "regression":
            outputs += [ColSpec("double", name=f"{name}/{label}") for label in task.labels]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def input_example(predictor: Predictor) -> pd.DataFrame:
    """One sample. Each of its modalities has one step, which holds the means of the features."""
    import pandas as pd

    means = predictor.feature_means()
    return pd.DataFrame({name: [[[float(value) for value in means[name]]]] for name in predictor.modalities})


def requirements() -> list[str]:
    """The packages that a registered model needs, in the versions of this machine.

    A local suffix such as +cpu is left out, because no package index has such a version.
    """
    return [f"{name}=={importlib.metadata.version(name).partition('+')[0]}" for name in _REQUIREMENTS]

"""Models in MLflow's registry: logged with their code, signature and an example, and a champion per name.

Nothing is pickled, and no sample of anybody's data leaves their files: the example is made from feature means.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import logging
import math
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cluster.files import write_json, write_text
from cluster.tracking import ModelTrained

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel
    from mlflow.entities.model_registry import ModelVersion

    from model.predictor import Predictor

log = logging.getLogger(__name__)
CHAMPION: Final = "champion"
_REQUIREMENTS: Final = ("mlflow", "torch", "numpy", "pandas", "safetensors")


def register(client: MlflowClient, experiment: str, record: ModelTrained, search_run_id: str) -> str:
    """Log the model in a run of its own and register it as haemsa-<name>; one that is there already stays as it is.

    Returns models:/NAME@champion if it is the champion now, else models:/NAME/VERSION.
    """
    name, key = registered_name(record.name), _key(record)
    version = _known_version(client, experiment, search_run_id, key)
    if version is None:
        version = _new_version(client, experiment, record, search_run_id, key)
    current = champion(client, name)
    if current is None or current.version != version.version:
        if not is_better(record, current):
            client.set_terminated(str(version.run_id))
            return f"models:/{name}/{version.version}"
        client.set_registered_model_alias(name, CHAMPION, version.version)
    client.set_terminated(str(version.run_id))
    return f"models:/{name}@{CHAMPION}"


def _key(record: ModelTrained) -> str:
    """What tells a model from others of its search."""
    return hashlib.sha256(f"{record.genome_json} {record.score!r}".encode()).hexdigest()[:16]


def _known_version(client: MlflowClient, experiment: str, search_run_id: str, key: str) -> ModelVersion | None:
    """The version that was registered when the record was sent before; a run that did not come so far is deleted."""
    query = f"tags.`haemsa.search_run` = '{search_run_id}' AND tags.`haemsa.model` = '{key}'"
    for run in client.search_runs([experiment], query):
        versions = client.search_model_versions(f"run_id = '{run.info.run_id}'")
        if versions:
            found: ModelVersion = versions[0]
            return found
        client.delete_run(run.info.run_id)
    return None


def _new_version(
    client: MlflowClient, experiment: str, record: ModelTrained, search_run_id: str, key: str
) -> ModelVersion:
    run_id = _log_run(client, experiment, record, {"haemsa.search_run": search_run_id, "haemsa.model": key})
    logged = _log_model(client, experiment, run_id, record)
    name = registered_name(record.name)
    tags = {
        "fingerprint": record.fingerprint,
        "objective": record.objective,
        "direction": record.direction,
        "score": repr(float(record.score)),
    }
    if not client.search_registered_models(filter_string=f"name = '{name}'"):
        client.create_registered_model(name, description=f"Networks found by haemsa for {record.name}.")
    # by location, as models:/ID would be looked up in the process's global store
    place, wait = logged.artifact_location, 60
    return client.create_model_version(name, place, run_id, tags, await_creation_for=wait, model_id=logged.model_id)


def registered_name(name: str) -> str:
    """haemsa-<name>, without what the registry does not take in names."""
    return "haemsa-" + (re.sub(r"[^\w-]+", "-", name).strip("-") or "model")


def champion(client: MlflowClient, name: str) -> ModelVersion | None:
    """The version with the alias champion, None if there is none."""
    aliases = client.get_registered_model(name).aliases
    return client.get_model_version(name, aliases[CHAMPION]) if CHAMPION in aliases else None


def is_better(record: ModelTrained, current: ModelVersion | None) -> bool:
    """Whether `record` takes the place of `current`: a better score of the same objective on the same data."""
    if not math.isfinite(record.score):
        return False
    if current is None:
        return True
    if any(current.tags.get(key) != getattr(record, key) for key in ("fingerprint", "objective", "direction")):
        log.info("the champion of %s was scored on other data or another objective and stays", record.name)
        return False
    best = float(current.tags["score"])
    return record.score < best if record.direction == "min" else record.score > best


def _log_run(client: MlflowClient, experiment: str, record: ModelTrained, tags: Mapping[str, str]) -> str:
    from mlflow.entities import Metric

    tags = {"mlflow.source.name": "haemsa search", "haemsa.fingerprint": record.fingerprint, **tags}
    run_id = str(client.create_run(experiment, run_name=f"best of {record.name}", tags=tags).info.run_id)
    metrics = {**record.metrics, f"selection/{record.objective}": record.score}
    client.log_batch(run_id, metrics=[Metric(key, float(value), 0, 0) for key, value in metrics.items()])
    client.log_text(run_id, record.genome_json, "genome.json")
    return run_id


def _log_model(client: MlflowClient, experiment: str, run_id: str, record: ModelTrained) -> LoggedModel:
    from mlflow.entities import LoggedModelOutput

    logged = client.create_logged_model(experiment, name=registered_name(record.name), source_run_id=run_id)
    try:
        with tempfile.TemporaryDirectory() as folder:
            identity = {"artifact_path": logged.artifact_location, "model_uuid": logged.model_id, "run_id": run_id}
            path = save_pyfunc(record, Path(folder), {**identity, "model_id": logged.model_id})
            client.log_model_artifacts(logged.model_id, str(path))
    except BaseException:
        client.finalize_logged_model(logged.model_id, "FAILED")
        raise
    ready = client.finalize_logged_model(logged.model_id, "READY")
    client.log_outputs(run_id, models=[LoggedModelOutput(logged.model_id, step=0)])
    return ready


def save_pyfunc(record: ModelTrained, folder: Path, identity: Mapping[str, Any] | None = None) -> Path:
    """Write the saved model as an MLflow model under `folder`: weights, code, signature, example, genome.

    `identity`: what `mlflow.models.Model` shall know of its run and its id.
    """
    import mlflow.pyfunc
    from mlflow.models import Model

    from model.predictor import Predictor

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
    write_text(path / "genome.json", record.genome_json)
    write_json(path / "score.json", {"objective": record.objective, "score": record.score, "data": record.fingerprint})
    return path


def _copy_code(folder: Path) -> Path:
    """The package `model` without what Python compiled."""
    import model

    target = folder / "model"
    source = Path(str(model.__file__)).parent
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    return target


def signature(predictor: Predictor) -> Any:
    """In: per modality an optional column of steps by width. Out: as cluster/served.py gives them."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Array, ColSpec, DataType, Schema, TensorSpec

    features = Array(Array(DataType.double))
    inputs: list[ColSpec | TensorSpec] = [ColSpec(features, name=name, required=False) for name in predictor.modalities]
    outputs: list[ColSpec | TensorSpec] = []
    for name, task in predictor.tasks.items():
        if task.kind != "multilabel":
            outputs.append(ColSpec("double" if task.kind == "regression" else "string", name=name))
        if task.kind != "regression":
            outputs += [ColSpec("double", name=f"{name}/{label}") for label in task.labels]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def input_example(predictor: Predictor) -> pd.DataFrame:
    """One sample whose modalities have a single step, the mean features."""
    import pandas as pd

    means = predictor.feature_means()
    return pd.DataFrame({name: [[[float(value) for value in means[name]]]] for name in predictor.modalities})


def requirements() -> list[str]:
    """What a registered model needs, at today's versions; a local suffix such as +cpu is on no index."""
    return [f"{name}=={importlib.metadata.version(name).partition('+')[0]}" for name in _REQUIREMENTS]


def fetch_model(address: str) -> Path:
    """The saved model at runs:/RUN/PATH or models:/NAME@ALIAS, in a folder here. ValueError if there is none."""
    folder = _download(address)
    found = next(iter(sorted(folder.rglob("model.json"))), None)
    if found is None:
        raise ValueError(f"{address} holds no model of ours, expected one that haemsa search or train registered")
    return found.parent


def fetch_genome(address: str) -> str:
    """The genome, as JSON, of a registered model or of a search's run. ValueError if there is none."""
    folder = _download(address)
    found = [path for name in ("genome.json", "best_genome.json") for path in sorted(folder.rglob(name))]
    if not found:
        raise ValueError(f"{address} holds no genome, expected the run of a search, or a model that it registered")
    return found[0].read_text(encoding="utf-8")


def _download(address: str) -> Path:
    import mlflow
    from mlflow.exceptions import MlflowException

    from cluster.mlflow_sink import connect, store_uri

    connect(None)  # sets what keeps MLflow quiet
    mlflow.set_tracking_uri(store_uri(None))
    whole = address + "/" if re.fullmatch(r"runs:/[^/]+", address) else address
    try:
        return Path(mlflow.artifacts.download_artifacts(whole))
    except (MlflowException, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"{address} is not to be had from MLflow at {store_uri(None)}: {reason}") from None

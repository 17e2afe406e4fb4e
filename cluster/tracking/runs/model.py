"""The run of a model: what it is, how it was trained, its scores, and the model itself."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from haemsa.cluster.tracking.client import metrics_of, params_of, registered_name
from haemsa.cluster.tracking.dataset_input import dataset_input
from haemsa.cluster.tracking.records import ModelTrained
from haemsa.cluster.tracking.runs.model_card import shortened
from haemsa.cluster.tracking.runs.origin import NOTE, origin

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

UNKNOWN: Final = "unknown"
"""Stands for the run of a search that MLflow does not know."""


def run_name(record: ModelTrained) -> str:
    """What the run of a model is called, before it has a version."""
    return f"{record.name}: {record.what or 'model'}"


def log_model(
    client: MlflowClient, experiment: str, record: ModelTrained, card: str, tags: Mapping[str, str]
) -> LoggedModel:
    """Log a model in a run of its own, which stays open.

    Args:
        client: a client of MLflow.
        experiment: the id of the experiment.
        record: the model.
        card: its description, as Markdown.
        tags: what finds the run again. The tag haemsa.search_run names the run of its search, which gets the run as a
            child. A search's own network is what the search made, too.
    """
    search = tags["haemsa.search_run"]
    run_id = _start(client, experiment, record, {**tags, NOTE: shortened(card)}, None if search == UNKNOWN else search)
    logged = client.create_logged_model(
        experiment,
        name=registered_name(record.name),
        source_run_id=run_id,
        tags={NOTE: shortened(card)},
        params={item.key: item.value for item in params_of(record.params)},
        model_type=record.alias,
    )
    _log_figures(client, run_id, record, logged.model_id)
    _log_files(client, run_id, record, card, logged)
    made_by = [run_id, *([search] if record.alias == "champion" and search != UNKNOWN else [])]
    return _finished(client, logged.model_id, made_by)


def _start(
    client: MlflowClient, experiment: str, record: ModelTrained, tags: Mapping[str, str], parent: str | None
) -> str:
    if record.alias == "trained":
        begin = origin("training", "haemsa train", record.commit, parent)
    else:
        begin = origin("model", "haemsa search", record.commit, parent)
    tags = {**begin, "haemsa.fingerprint": record.fingerprint, **tags}
    began = int(1000 * record.began) or None
    run_id = str(client.create_run(experiment, start_time=began, run_name=run_name(record), tags=tags).info.run_id)
    if record.dataset:
        client.log_inputs(run_id, [dataset_input(record.dataset, "training")])
    client.log_batch(run_id, params=params_of(record.params))
    client.log_text(run_id, record.genome_json, "genome.json")
    return run_id


def _log_figures(client: MlflowClient, run_id: str, record: ModelTrained, model: str) -> None:
    """The metrics. They belong to the run, to the model and to the data."""
    from mlflow.entities import Metric

    at = time.time()
    found = [*metrics_of(record.metrics, at, 0)]
    for seed, values in enumerate(record.seeds):
        found += metrics_of(values, at, seed)
    data = {"dataset_name": record.dataset["name"], "dataset_digest": record.fingerprint} if record.dataset else {}
    client.log_batch(
        run_id, metrics=[Metric(one.key, one.value, one.timestamp, one.step, model_id=model, **data) for one in found]
    )


def _log_files(client: MlflowClient, run_id: str, record: ModelTrained, card: str, logged: LoggedModel) -> None:
    from haemsa.cluster.tracking.pyfunc import save_pyfunc

    try:
        with tempfile.TemporaryDirectory() as folder:
            identity = {"artifact_path": logged.artifact_location, "model_uuid": logged.model_id, "run_id": run_id}
            path = save_pyfunc(record, card, Path(folder), {**identity, "model_id": logged.model_id})
            client.log_model_artifacts(logged.model_id, str(path))
    except BaseException:
        client.finalize_logged_model(logged.model_id, "FAILED")
        raise


def _finished(client: MlflowClient, model: str, made_by: list[str]) -> LoggedModel:
    from mlflow.entities import LoggedModelOutput

    ready = client.finalize_logged_model(model, "READY")
    for run in made_by:
        client.log_outputs(run, models=[LoggedModelOutput(model, step=0)])
    return ready

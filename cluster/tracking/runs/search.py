"""The run of a search: its settings and data at the start, what it found at the end."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from haemsa.cluster.shared.files import write_json, write_text
from haemsa.cluster.shared.text import duration
from haemsa.cluster.tracking.client import metrics_of, params_of, plain
from haemsa.cluster.tracking.dataset_input import dataset_input
from haemsa.cluster.tracking.records import SearchEnded, SearchStarted
from haemsa.cluster.tracking.runs.names import VALID, all_scored, standard_error
from haemsa.cluster.tracking.runs.networks import send_networks
from haemsa.cluster.tracking.runs.note import description
from haemsa.cluster.tracking.runs.origin import NOTE, label, origin
from haemsa.cluster.tracking.runs.views import write_views

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

_STATUS: Final = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}


def search_run(client: MlflowClient, experiment: str, search: SearchStarted) -> str:
    """The run of a search. It is made if there is none that is complete."""
    runs = client.search_runs([experiment], f"tags.`haemsa.search` = '{search.id}'")
    complete = [str(run.info.run_id) for run in runs if run.data.tags.get("haemsa.complete")]
    for run in [] if complete else runs:  # the process was killed while it made this run
        client.delete_run(run.info.run_id)
    return complete[0] if complete else _start(client, experiment, search)


def title(search: SearchStarted) -> str:
    """What the run of a search is called: its name and its budget."""
    config, budget = search.config, ""
    if config.get("evaluations"):
        budget = f" of {config['evaluations']}"
    elif config.get("time"):
        budget = f" for {duration(config['time'])}"
    return f"{label(search)}: search{budget}"


def _start(client: MlflowClient, experiment: str, search: SearchStarted) -> str:
    tags = {
        **origin("search", "haemsa search", search.manifest.get("commit")),
        "haemsa.search": search.id,
        "haemsa.data": search.data_name,
        "haemsa.fingerprint": search.fingerprint,
        "haemsa.objectives": ", ".join(f"{name} ({direction})" for name, direction in search.objectives.items()),
    }
    if search.manifest.get("start"):
        tags["haemsa.start"] = ", ".join(search.manifest["start"])
    began = int(1000 * search.at) or None
    run_id = str(client.create_run(experiment, start_time=began, run_name=title(search), tags=tags).info.run_id)
    client.log_batch(run_id, params=params_of(search.config))
    if search.dataset:
        client.log_inputs(run_id, [dataset_input(search.dataset, "search")])
    with tempfile.TemporaryDirectory() as folder:
        write_text(Path(folder, "config.yaml"), yaml.safe_dump(plain(search.config), sort_keys=False))
        write_json(Path(folder, "manifest.json"), search.manifest)
        client.log_artifacts(run_id, folder)
    write_views(client, experiment, search)
    client.set_tag(run_id, "haemsa.complete", "yes")
    return run_id


def end(client: MlflowClient, experiment: str, run_id: str, search: SearchStarted, record: SearchEnded) -> None:
    """The networks, the summary, the best genome, the pictures and the report; then the run is closed."""
    networks = send_networks(client, experiment, run_id, search, record.networks)
    with tempfile.TemporaryDirectory() as name:
        write_json(Path(name, "summary.json"), record.summary)
        if record.best_genome_json is not None:
            write_text(Path(name, "best_genome.json"), record.best_genome_json)
        client.log_artifacts(run_id, name)
    if record.pictures is not None:
        client.log_artifacts(run_id, str(record.pictures))
    client.log_batch(run_id, metrics=list(_figures(search, record)))
    client.set_tag(run_id, NOTE, description(experiment, run_id, search, record, networks))
    client.set_terminated(run_id, status=_STATUS[record.status], end_time=int(1000 * record.at) or None)


def _figures(search: SearchStarted, record: SearchEnded) -> Iterator[Metric]:
    """The scores of the best network, by the names that they have everywhere, and what the search took."""
    best: dict[str, Any] = record.summary.get("best") or {}
    tasks = search.dataset.get("tasks", {})
    found = all_scored(VALID, best.get("scores", {}), tasks)
    errors = all_scored(VALID, best.get("errors", {}), tasks)
    found |= {standard_error(name): error for name, error in errors.items()}
    took = {"wall_seconds": record.summary.get("wall_seconds")}
    yield from metrics_of(found | took, record.at or time.time(), int(record.summary.get("evaluations", 0)))

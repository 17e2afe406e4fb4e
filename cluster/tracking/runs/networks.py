"""The networks of a search in MLflow: each is a run, whose output is a model. Genes are parameters, scores are metrics.

MLflow's page compares runs in every way that it has (parallel coordinates, scatter, contour, differences), but models
only as bars and scatter. `search_logged_models` finds only models. So a network is both; its scores are written once.
The model has no weights: these are in the run directory. Genomes are in one file of the search's run (`FILE`), because
a file for each would take a fifth of the time. fetch.py finds them there, so `haemsa train runs:/ID` takes the run of a
network.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from haemsa.cluster.run_directory.tables import gene_columns
from haemsa.cluster.shared.files import to_json
from haemsa.cluster.tracking.client import metrics_of, params_of
from haemsa.cluster.tracking.records import SearchStarted, TableRow
from haemsa.cluster.tracking.runs.model_card import LONGEST, drawn
from haemsa.cluster.tracking.runs.names import PLACE, VALID, scored, standard_error
from haemsa.cluster.tracking.runs.origin import NETWORKS_ONLY, NOTE, label, origin
from haemsa.model.spec.genome import Genome

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

FILE: Final = "networks.jsonl"
"""The genomes of all networks, one in a line, among the files of the search's run."""
NUMBER: Final = "haemsa.network"
_DIGEST: Final = "haemsa.digest"


def send_networks(
    client: MlflowClient, experiment: str, parent: str, search: SearchStarted, rows: Sequence[TableRow]
) -> dict[int, str]:
    """Make MLflow have exactly these networks of a search. What is there already, and complete, stays as it is.

    Args:
        client: a client of MLflow.
        experiment: the id of the experiment.
        parent: the run of the search.
        search: the search.
        rows: the networks, as `haemsa.cluster.run_directory.networks.network_rows` gives them.

    Returns:
        The run of each network, by the network's id.
    """
    wanted, places = {_digest(row): row for row in rows}, _places(search, rows)
    runs: dict[int, str] = {}
    for run in client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{parent}' AND {NETWORKS_ONLY}"):
        row = wanted.get(run.data.tags.get(_DIGEST, ""))
        place = run.data.metrics.get(PLACE)  # older versions gave none, and other names of metrics
        if row is None or run.info.status != "FINISHED" or row["id"] in runs or place is None:
            _remove(client, experiment, run)
        else:
            runs[row["id"]] = run.info.run_id
            if place != places[row["id"]]:  # others came or went
                client.log_metric(run.info.run_id, PLACE, places[row["id"]])
    for digest, row in reversed(wanted.items()):  # the best comes last, so that the page shows it first
        if row["id"] not in runs:
            runs[row["id"]] = _send(client, experiment, parent, search, row, digest, places[row["id"]])
    if not rows:
        return runs
    lines = (to_json({"id": row["id"], "genome": json.loads(row["genome"])}) + "\n" for row in rows)
    client.log_text(parent, "".join(lines), FILE)
    return runs


def _places(search: SearchStarted, rows: Sequence[TableRow]) -> dict[int, int]:
    """Where each network stands, from 1 on: the confirmed ones first, then the higher rung, then the better score.

    Scores of different rungs are not alike: those of a low rung are of fewer epochs or folds.
    """
    objective, direction = next(iter(search.objectives.items()))
    sign = 1 if direction == "min" else -1

    def standing(row: TableRow) -> tuple[float, ...]:
        first = (0, 0) if row["confirmed"] else (1, -row["rung"])
        return *first, sign * row["scores"][objective], row["id"]

    return {row["id"]: place for place, row in enumerate(sorted(rows, key=standing), start=1)}


def _digest(row: TableRow) -> str:
    return hashlib.sha256(to_json(row).encode()).hexdigest()[:16]


def _remove(client: MlflowClient, experiment: str, run: Run) -> None:
    """Remove a run that is incomplete or out of date, and its model."""
    for model in client.search_logged_models([experiment], f"source_run_id = '{run.info.run_id}'"):
        client.delete_logged_model(model.model_id)
    client.delete_run(run.info.run_id)


def _send(
    client: MlflowClient, experiment: str, parent: str, search: SearchStarted, row: TableRow, digest: str, place: int
) -> str:
    from mlflow.entities import RunTag

    name, began, ended = f"{label(search)}: network {row['id']}", *map(_milliseconds, (row["began"], row["ended"]))
    facts = {key: _word(row[key]) for key in ("rung", "generation", "parents", "on_front", "confirmed")}
    facts["search"] = search.id
    tags = {
        **origin("network", "haemsa search", search.manifest.get("commit"), parent),
        **facts,
        NUMBER: str(row["id"]),
        _DIGEST: digest,
    }
    run = client.create_run(experiment, start_time=began, run_name=name, tags=tags).info.run_id
    genome = Genome.from_json(row["genome"])
    note = f"```text\n{drawn(genome)}\n```\n\nTo train it for good: `haemsa train runs:/{run}`"[:LONGEST]
    genes = params_of(gene_columns(genome))
    model = client.create_logged_model(
        experiment,
        name=re.sub(r"[^\w-]+", "-", name),
        source_run_id=run,
        tags={**facts, NOTE: note},
        params={gene.key: gene.value for gene in genes},
        model_type="network",
    )
    metrics = [*_metrics(search, row, model.model_id), *metrics_of({PLACE: place}, row["ended"] or 0.0, 0)]
    client.log_batch(run, metrics=metrics, params=genes, tags=[RunTag(NOTE, note)])
    client.finalize_logged_model(model.model_id, "READY")
    client.set_terminated(run, end_time=ended)
    return str(run)


def _metrics(search: SearchStarted, row: TableRow, model: str) -> Iterator[Metric]:
    """The scores of a network, with its errors and costs. They belong to its run, its model and the data."""
    from mlflow.entities import Metric

    tasks = search.dataset.get("tasks", {})
    values: dict[str, Any] = {}
    for name, value, error in _scores(row):
        own = {name} if name in search.objectives else set()
        for called in {scored(VALID, name, tasks)} | own:
            values[called] = value
            values[standard_error(called)] = error
    values |= {f"search/{name}": value for name, value in row["searched"].items() if name in search.objectives}
    values["train_seconds"] = row["seconds"]
    data: Mapping[str, str] = {}
    if search.dataset:
        data = {"dataset_name": search.dataset["name"], "dataset_digest": search.dataset["fingerprint"]}
    for metric in metrics_of(values, row["ended"] or 0.0, 0):
        yield Metric(metric.key, metric.value, metric.timestamp, metric.step, model_id=model, **data)


def _scores(row: TableRow) -> Iterator[tuple[str, float, float | None]]:
    """The name of each score, its value, and its standard error (None: it has none)."""
    scores = row["scores"]
    errors = {f"{name}_error": name for name in scores}
    for name, value in scores.items():
        if name not in errors:
            yield name, value, scores.get(f"{name}_error")


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else int(1000 * seconds)


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)

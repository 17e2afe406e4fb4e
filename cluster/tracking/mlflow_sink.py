"""The view on a search in MLflow: an experiment for each data set, a run for each search, a child run for a generation.

All calls name their run, so MLflow's global active run is never touched. Runs have the id of the search and the number
of the generation as tags. A record that is sent again finds by these tags what is already there.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

from haemsa.cluster.run_directory.tables import GENOME_COLUMNS
from haemsa.cluster.shared.files import to_json, write_json, write_text
from haemsa.cluster.tracking.client import connect, experiment_id, metrics_of, params_of, plain, store_uri, tags_of
from haemsa.cluster.tracking.records import GenerationEnded, Record, SearchEnded, SearchStarted, TableRow, shows

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities import Run

_STATUS: Final = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}


class MlflowSink:
    """Sends the records of one search to MLflow at `uri` (None: the default of `store_uri`)."""

    def __init__(self, uri: str | None, search: SearchStarted) -> None:
        self._uri, self._search = uri, search
        self._client: MlflowClient | None = None
        self._experiment = ""
        self.run_id = ""

    def send(self, record: Record) -> str | None:
        """See `Sink`."""
        client = self._client or self._connect()
        if isinstance(record, SearchStarted):
            client.update_run(self.run_id, status="RUNNING")
            client.log_batch(self.run_id, tags=tags_of(record.cluster))
        elif isinstance(record, GenerationEnded):
            self._generation(client, record)
        elif isinstance(record, SearchEnded):
            self._end(client, record)
        else:
            from haemsa.cluster.tracking.registry import register

            return register(client, self._experiment, record, self.run_id)
        return None

    def _connect(self) -> MlflowClient:
        """A client. The experiment and the run of the search are made if they are new."""
        client = connect(self._uri)
        self._experiment = experiment_id(client, store_uri(self._uri), self._search.data_name)
        runs = self._runs(client, f"tags.`haemsa.search` = '{self._search.id}'")
        complete = [run for run in runs if run.data.tags.get("haemsa.complete")]
        for run in [] if complete else runs:  # the process was killed while it made this run
            client.delete_run(run.info.run_id)
        self.run_id = str(complete[0].info.run_id) if complete else self._start(client)
        self._client = client
        return client

    def _runs(self, client: MlflowClient, query: str) -> list[Run]:
        return list(client.search_runs([self._experiment], query))

    def _start(self, client: MlflowClient) -> str:
        from haemsa.cluster.tracking.dataset_input import dataset_input

        record = self._search
        tags = {
            "mlflow.source.name": "haemsa search",
            "haemsa.search": record.id,
            "haemsa.data": record.data_name,
            "haemsa.fingerprint": record.fingerprint,
            "haemsa.objectives": ", ".join(f"{name} ({direction})" for name, direction in record.objectives.items()),
        }
        if record.manifest.get("start"):
            tags["haemsa.start"] = ", ".join(record.manifest["start"])
        run_id = str(client.create_run(self._experiment, run_name=record.name, tags=tags).info.run_id)
        client.log_batch(run_id, params=params_of(record.config))
        if record.dataset:
            client.log_inputs(run_id, [dataset_input(record.dataset, "search")])
        with tempfile.TemporaryDirectory() as folder:
            write_text(Path(folder, "config.yaml"), yaml.safe_dump(plain(record.config), sort_keys=False))
            write_json(Path(folder, "manifest.json"), record.manifest)
            client.log_artifacts(run_id, folder)
        client.set_tag(run_id, "haemsa.complete", "yes")
        return run_id

    def _generation(self, client: MlflowClient, record: GenerationEnded) -> None:
        """The metrics. A generation that is shown also gets a child run with its population, front and picture."""
        metrics = list(metrics_of(record.metrics, record.at, record.number))
        client.log_batch(self.run_id, metrics=metrics)  # MLflow keeps a metric of the same step and time once
        if not shows(record.number):
            return
        query = f"tags.`mlflow.parentRunId` = '{self.run_id}' AND tags.`haemsa.generation` = '{record.number}'"
        earlier = self._runs(client, query)
        at = repr(record.at)
        if any(run.info.status == "FINISHED" and run.data.tags.get("haemsa.at") == at for run in earlier):
            return
        for run in earlier:  # half sent, or sent before the generation was complete
            client.delete_run(run.info.run_id)
        tags = {
            "mlflow.parentRunId": self.run_id,
            "mlflow.source.name": "haemsa search",
            "haemsa.generation": str(record.number),
            "haemsa.at": at,
        }
        name = f"generation {record.number:03d}"
        child = client.create_run(self._experiment, run_name=name, tags=tags).info.run_id
        client.log_batch(child, metrics=metrics)
        with tempfile.TemporaryDirectory() as folder:
            self._write_front(Path(folder), record)
            client.log_artifacts(self.run_id, folder)
            frame = _write_population(Path(folder), record.population)
            client.log_artifacts(child, folder)
        client.log_table(child, _shown(frame, list(self._search.objectives)), "population.json")
        client.set_terminated(child)

    def _write_front(self, folder: Path, record: GenerationEnded) -> None:
        import pandas as pd

        from haemsa.cluster.report.figures.front import front_figure, save

        pd.DataFrame(list(record.front)).to_csv(folder / "front.csv", index=False)
        title = f"{self._search.name}, generation {record.number}"
        rows = record.evaluated or record.population
        count = int(record.metrics["evaluations"] - record.metrics["failures"])
        figure = front_figure(rows, record.front, self._search.objectives, title=title, count=count)
        save(figure, folder / "front.png")

    def _end(self, client: MlflowClient, record: SearchEnded) -> None:
        """The summary, the best genome and the pictures; then the run is closed."""
        with tempfile.TemporaryDirectory() as name:
            write_json(Path(name, "summary.json"), record.summary)
            if record.best_genome_json is not None:
                write_text(Path(name, "best_genome.json"), record.best_genome_json)
            client.log_artifacts(self.run_id, name)
        if record.pictures is not None:
            client.log_artifacts(self.run_id, str(record.pictures))
        client.set_tag(self.run_id, "mlflow.note.content", "\n".join(f"- {line}" for line in _note(record)))
        client.set_terminated(self.run_id, status=_STATUS[record.status])


def _note(record: SearchEnded) -> Iterator[str]:
    """What the run's page says about a search that has ended, line by line. The page shows the first five lines."""
    best, model = record.summary.get("best"), record.summary.get("model")
    if best:
        scores = ", ".join(f"{name} {value:.6g}" for name, value in list(best["scores"].items())[:3])
        yield f"best: candidate {best['id']}, {scores}"
    if model:
        yield f"model: `{model}`"
    if record.run_dir:
        yield f"run directory: `{record.run_dir}`"
    yield from (f"{metric.key}: {metric.value:.6g}" for metric in metrics_of(record.summary, 0.0, 0))


def _write_population(folder: Path, population: Sequence[TableRow]) -> pd.DataFrame:
    """Write population.csv, with all columns, and genomes.jsonl, with a genome in each line. Returns all columns."""
    import pandas as pd

    frame = pd.DataFrame([{key: value for key, value in row.items() if key != "genome"} for row in population])
    frame.to_csv(folder / "population.csv", index=False)
    genomes = [{"id": row["id"], "genome": json.loads(row["genome"])} for row in population if "genome" in row]
    write_text(folder / "genomes.jsonl", "".join(to_json(genome) + "\n" for genome in genomes))
    return frame


def _shown(frame: pd.DataFrame, objectives: Sequence[str]) -> pd.DataFrame:
    """The table on MLflow's page: the objectives and a summary of the genome. The page sorts by digits."""
    scores = [key for name in objectives for key in (name, f"{name}_error")]
    shown = ["id", *scores, "on_front", *GENOME_COLUMNS, "rung", "generation", "parents"]
    return frame[[name for name in shown if name in frame]].astype(object).map(_sortable)


def _sortable(value: object) -> object:
    """A fraction with six decimals. Whole numbers stay whole, and a missing number is empty."""
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return ""
    return int(value) if value.is_integer() and abs(value) >= 1 else f"{value:.6f}"

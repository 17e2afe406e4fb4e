"""The view on a search in MLflow: one experiment per data set, a run per search, a child run per generation.

Everything goes by explicit run ids, so no global active run is touched. Runs carry the search's id and the generation's
number as tags, by which a record that is sent again finds what is there of it.
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
    from mlflow import MlflowClient
    from mlflow.entities import Run

_STATUS: Final = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}


class MlflowSink:
    """Delivers the records of one search to MLflow at `uri` (None: as `store_uri` says)."""

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
        """The experiment and the search's run, made where they are new."""
        client = connect(self._uri)
        self._experiment = experiment_id(client, store_uri(self._uri), self._search.data_name)
        found = self._runs(client, f"tags.`haemsa.search` = '{self._search.id}'")
        whole = [run for run in found if run.data.tags.get("haemsa.complete")]
        for run in [] if whole else found:  # its process was killed while it was made
            client.delete_run(run.info.run_id)
        self.run_id = str(whole[0].info.run_id) if whole else self._start(client)
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
        """The metrics, and if it is shown a child run with the population, the front and its picture."""
        metrics = list(metrics_of(record.metrics, record.at, record.number))
        client.log_batch(self.run_id, metrics=metrics)  # a metric of the same step and time is kept once
        if not shows(record.number):
            return
        query = f"tags.`mlflow.parentRunId` = '{self.run_id}' AND tags.`haemsa.generation` = '{record.number}'"
        found = self._runs(client, query)
        at = repr(record.at)
        if any(run.info.status == "FINISHED" and run.data.tags.get("haemsa.at") == at for run in found):
            return
        for run in found:  # half sent, or of a generation that was cut short and is complete now
            client.delete_run(run.info.run_id)
        tags = {
            "mlflow.parentRunId": self.run_id,
            "mlflow.source.name": "haemsa search",
            "mlflow.loggedArtifacts": json.dumps([{"path": "population.json", "type": "table"}]),
            "haemsa.generation": str(record.number),
            "haemsa.at": at,
        }
        name = f"generation {record.number:03d}"
        child = client.create_run(self._experiment, run_name=name, tags=tags).info.run_id
        client.log_batch(child, metrics=metrics)
        with tempfile.TemporaryDirectory() as folder:
            self._write_front(Path(folder), record)
            client.log_artifacts(self.run_id, folder)
            _write_population(Path(folder), record.population, list(self._search.objectives))
            client.log_artifacts(child, folder)
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
        """The summary and the best genome, and the run closed."""
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
    """What the run's page says of a search that is over, line by line; it shows five before one asks for more."""
    best, model = record.summary.get("best"), record.summary.get("model")
    if best:
        scores = ", ".join(f"{name} {value:.6g}" for name, value in list(best["scores"].items())[:3])
        yield f"best: candidate {best['id']}, {scores}"
    if model:
        yield f"model: `{model}`"
    if record.run_dir:
        yield f"run directory: `{record.run_dir}`"
    yield from (f"{item.key}: {item.value:.6g}" for item in metrics_of(record.summary, 0.0, 0))


def _write_population(folder: Path, population: Sequence[TableRow], objectives: Sequence[str]) -> None:
    """population.json is the table that MLflow's page shows, population.csv all columns, genomes.jsonl a genome a line.

    The page sorts by digits, so its fractions have six decimals each; it shows the objectives and what a genome is.
    """
    import pandas as pd

    frame = pd.DataFrame([{key: value for key, value in row.items() if key != "genome"} for row in population])
    frame.to_csv(folder / "population.csv", index=False)
    scores = [key for name in objectives for key in (name, f"{name}_error")]
    shown = ["id", *scores, "on_front", *GENOME_COLUMNS, "rung", "generation", "parents"]  # few fit on the page
    table = frame[[name for name in shown if name in frame]].astype(object)
    table.map(_sortable).to_json(folder / "population.json", orient="split", index=False)
    genomes = [{"id": row["id"], "genome": json.loads(row["genome"])} for row in population if "genome" in row]
    write_text(folder / "genomes.jsonl", "".join(to_json(item) + "\n" for item in genomes))


def _sortable(value: object) -> object:
    """Six decimals of a fraction; whole numbers stay whole, and what is missing empty."""
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return ""
    return int(value) if value.is_integer() and abs(value) >= 1 else f"{value:.6f}"

"""The view on a search in MLflow: one experiment per data set, a run per search, a child run per generation.

Everything goes by explicit run ids, so no global active run is touched. MLflow is a view: whatever fails here is logged
once and the search goes on.
"""

from __future__ import annotations

import json
import logging
import math
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from cluster.files import to_json, write_json, write_text
from cluster.tables import GENOME_COLUMNS
from cluster.tracking import GenerationEnded, ModelTrained, Row, SearchEnded, SearchStarted

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)
DEFAULT_STORE: Final = "sqlite:///mlflow.db"
_LONGEST_PARAMETER: Final = 500
_GIVE_UP_AFTER: Final = 3
_QUIET: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
_STATUS: Final = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}


def store_uri(uri: str | None) -> str:
    """Where tracking goes: `uri`, else MLFLOW_TRACKING_URI, else a database in the current folder."""
    return uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_STORE


def connect(uri: str | None) -> MlflowClient:
    """A client of `store_uri(uri)` that is quiet, and that gives up on a silent server in seconds, not minutes."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return MlflowClient(tracking_uri=store_uri(uri), registry_uri=store_uri(uri))


class MlflowTracker:
    """Tells MLflow at `uri` (None: MLFLOW_TRACKING_URI, else a database in the current folder) how a search goes."""

    def __init__(self, uri: str | None = None) -> None:
        self._uri = uri
        self._client: MlflowClient | None = None
        self._experiment = ""
        self._started: SearchStarted | None = None
        self._last: GenerationEnded | None = None
        self._failures = 0
        self.run_id: str | None = None

    def started(self, record: SearchStarted) -> None:
        """Make the experiment if it is new, and the search's run."""
        try:
            self._start(record)
        except Exception as error:
            self._failed("search", error)
            self.run_id = None

    def generation(self, record: GenerationEnded) -> None:
        """Log the metrics, and a child run with the population, the front and its picture."""
        self._try("generation", lambda: self._log_generation(record))

    def ended(self, record: SearchEnded) -> None:
        """Log the summary, the last front and the best genome, and close the run."""
        self._try("end of the search", lambda: self._end(record))

    def trained(self, record: ModelTrained) -> str | None:
        """Log and register the model, and make it the champion if it is; returns its address."""
        from cluster.mlflow_model import register

        try:
            client = self._client or connect(self._uri)
            experiment = self._experiment or experiment_id(client, store_uri(self._uri), record.data_name)
            return register(client, experiment, record, self.run_id)
        except Exception as error:
            log.warning("MLflow did not take the model %s: %s", record.name, _short(error))
            return None

    def _try(self, what: str, action: Any) -> None:
        if self.run_id is None or self._failures >= _GIVE_UP_AFTER:
            return
        try:
            action()
            self._failures = 0
        except Exception as error:
            self._failed(what, error)

    def _failed(self, what: str, error: Exception) -> None:
        self._failures += 1
        if self._failures == 1:
            place = store_uri(self._uri)
            log.warning("MLflow at %s did not take the %s, the search goes on: %s", place, what, _short(error))

    def _start(self, record: SearchStarted) -> None:
        from mlflow.entities import Param

        client = self._client = connect(self._uri)
        self._started = record
        self._experiment = experiment_id(client, store_uri(self._uri), record.data_name)
        tags = {
            "mlflow.source.name": "haemsa search",
            "haemsa.data": record.data_name,
            "haemsa.fingerprint": record.fingerprint,
            "haemsa.objectives": ", ".join(f"{name} ({direction})" for name, direction in record.objectives.items()),
        }
        self.run_id = client.create_run(self._experiment, run_name=record.name, tags=tags).info.run_id
        client.log_batch(self.run_id, params=[Param(key, _cut(value)) for key, value in record.config.items()])
        with tempfile.TemporaryDirectory() as folder:
            write_text(Path(folder, "config.yaml"), yaml.safe_dump(_plain(record.config), sort_keys=False))
            write_json(Path(folder, "manifest.json"), record.manifest)
            client.log_artifacts(self.run_id, folder)

    def _log_generation(self, record: GenerationEnded) -> None:
        assert self._client is not None and self._started is not None and self.run_id is not None
        self._last = record
        self._client.log_batch(self.run_id, metrics=_metrics(record.metrics, record.number))
        tags = {
            "mlflow.parentRunId": self.run_id,
            "mlflow.source.name": "haemsa search",
            "mlflow.loggedArtifacts": json.dumps([{"path": "population.json", "type": "table"}]),
            "haemsa.generation": str(record.number),
        }
        name = f"generation {record.number:03d}"
        child = self._client.create_run(self._experiment, run_name=name, tags=tags).info.run_id
        self._client.log_batch(child, metrics=_metrics(record.metrics, record.number))
        with tempfile.TemporaryDirectory() as folder:
            self._write_front(Path(folder), record)
            _write_population(Path(folder), record.population, list(self._started.objectives))
            self._client.log_artifacts(child, folder)
        self._client.set_terminated(child)

    def _write_front(self, folder: Path, record: GenerationEnded) -> None:
        import pandas as pd

        from cluster.view.front import front_figure, save

        assert self._started is not None
        pd.DataFrame(list(record.front)).to_csv(folder / "front.csv", index=False)
        title = f"{self._started.name}, generation {record.number}"
        rows = record.evaluated or record.population
        save(front_figure(rows, record.front, self._started.objectives, title=title), folder / "front.png")

    def _end(self, record: SearchEnded) -> None:
        assert self._client is not None and self.run_id is not None
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_json(folder / "summary.json", record.summary)
            if record.best_genome_json is not None:
                write_text(folder / "best_genome.json", record.best_genome_json)
            if self._last is not None:
                self._write_front(folder, self._last)
            self._client.log_artifacts(self.run_id, name)
        figures = [f"- {key}: {value:.6g}" for key, value in record.summary.items() if _is_figure(value)]
        figures += [f"- run directory: `{record.run_dir}`"] if record.run_dir else []
        self._client.set_tag(self.run_id, "mlflow.note.content", "\n".join(figures))
        self._client.set_terminated(self.run_id, status=_STATUS[record.status])


def experiment_id(client: MlflowClient, uri: str, data_name: str) -> str:
    """The experiment of a data set, made if it is new, restored if it was deleted."""
    found = client.get_experiment_by_name(data_name)
    if found is not None:
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)
    location = None
    if uri.startswith("sqlite:///"):  # beside the database, wherever the search was started
        folder = Path(uri.removeprefix("sqlite:///")).resolve().parent / "mlartifacts"
        location = (folder / "".join(c if c.isalnum() or c in "-_" else "_" for c in data_name)).as_uri()
    tags = {"mlflow.experimentKind": "custom_model_development"}  # else the page shows it as one of language models
    return str(client.create_experiment(data_name, artifact_location=location, tags=tags))


def _write_population(folder: Path, population: Sequence[Row], objectives: Sequence[str]) -> None:
    """population.json is the table that MLflow's page shows, population.csv all columns, genomes.jsonl a genome a line.

    The page sorts by digits, so its fractions have six decimals each; it shows the objectives and what a genome is.
    """
    import pandas as pd

    frame = pd.DataFrame([{key: value for key, value in row.items() if key != "genome"} for row in population])
    frame.to_csv(folder / "population.csv", index=False)
    scores = [key for name in objectives for key in (name, f"{name}_error")]
    shown = ["id", "generation", "rung", "on_front", *scores, *GENOME_COLUMNS, "parents"]
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


def _metrics(values: Mapping[str, float], step: int) -> list[Any]:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [Metric(_safe(key), float(value), now, step) for key, value in values.items() if _is_figure(value)]


def _is_figure(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _safe(key: str) -> str:
    return "".join(c if c.isalnum() or c in "_-. /" else "_" for c in key)


def _cut(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(_plain(value), ensure_ascii=False)
    return text if len(text) <= _LONGEST_PARAMETER else text[: _LONGEST_PARAMETER - 3] + "..."


def _plain(value: object) -> Any:
    return json.loads(to_json(value))


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"

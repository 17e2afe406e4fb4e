"""The run of a generation: its population as a sortable table, its front, and the picture of both."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from haemsa.cluster.run_directory.tables import GENOME_COLUMNS
from haemsa.cluster.shared.files import to_json, write_text
from haemsa.cluster.shared.text import moment
from haemsa.cluster.tracking.client import metrics_of
from haemsa.cluster.tracking.records import GenerationEnded, SearchStarted, TableRow
from haemsa.cluster.tracking.runs.names import standard_error
from haemsa.cluster.tracking.runs.origin import NOTE, label, origin

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient


def send_generation(
    client: MlflowClient, experiment: str, parent: str, search: SearchStarted, record: GenerationEnded
) -> None:
    """Make MLflow have the run of a generation, once. The run of the search gets its front and its picture."""
    from mlflow.entities import RunTag

    query = f"tags.`mlflow.parentRunId` = '{parent}' AND tags.`haemsa.generation` = '{record.number}'"
    earlier, at = client.search_runs([experiment], query), moment(record.at)
    if any(run.info.status == "FINISHED" and run.data.tags.get("haemsa.at") == at for run in earlier):
        return
    for run in earlier:  # half sent, or sent before the generation was complete
        client.delete_run(run.info.run_id)
    tags = {
        **origin("generation", "haemsa search", search.manifest.get("commit"), parent),
        "haemsa.generation": str(record.number),
        "haemsa.at": at,
    }
    ended = int(1000 * record.at)
    began = int(1000 * record.began) if record.began else ended
    name = f"{label(search)}: generation {record.number:03d}"
    child = client.create_run(experiment, start_time=began, run_name=name, tags=tags).info.run_id
    note = RunTag(NOTE, _description(experiment, child))
    client.log_batch(child, metrics=list(metrics_of(record.metrics, record.at, record.number)), tags=[note])
    with tempfile.TemporaryDirectory() as folder:
        _write_front(Path(folder), search, record)
        client.log_artifacts(parent, folder)
        frame = _write_population(Path(folder), record.population)
        client.log_artifacts(child, folder)
    client.log_table(child, shown(frame, search.objectives), "population.json")
    client.set_terminated(child, end_time=ended)


def _description(experiment: str, run_id: str) -> str:
    """The front as a picture, and a link to the table: the page opens no file by itself."""
    files = f"#/experiments/{experiment}/runs/{run_id}/artifacts"
    table = f"[population: genes beside scores]({files}/population.json)"
    return f"{table}\n\n![front](get-artifact?path=front.png&run_uuid={run_id})"


def _write_front(folder: Path, search: SearchStarted, record: GenerationEnded) -> None:
    import pandas as pd

    from haemsa.cluster.report.figures.front import front_figure, save

    pd.DataFrame(list(record.front)).to_csv(folder / "front.csv", index=False)
    title = f"{search.name}, generation {record.number}"
    rows = record.evaluated or record.population
    count = int(record.metrics["evaluations"] - record.metrics["failures"])
    known = search.manifest.get("constant")
    figure = front_figure(rows, record.front, search.objectives, title=title, count=count, constant=known)
    save(figure, folder / "front.png")


def _write_population(folder: Path, population: Sequence[TableRow]) -> pd.DataFrame:
    """Write population.csv, with all columns, and genomes.jsonl, with a genome in each line. Returns all columns."""
    import pandas as pd

    frame = pd.DataFrame([{key: value for key, value in row.items() if key != "genome"} for row in population])
    frame.to_csv(folder / "population.csv", index=False)
    genomes = [{"id": row["id"], "genome": json.loads(row["genome"])} for row in population if "genome" in row]
    write_text(folder / "genomes.jsonl", "".join(to_json(genome) + "\n" for genome in genomes))
    return frame


def shown(frame: pd.DataFrame, objectives: Iterable[str]) -> pd.DataFrame:
    """The table on MLflow's page: the objectives and a summary of the genome. The page sorts by digits."""
    objectives = list(objectives)
    frame = frame.rename(columns={f"{name}_error": standard_error(name) for name in objectives})
    scores = [key for name in objectives for key in (name, standard_error(name))]
    columns = ["id", *scores, "on_front", "rung", *GENOME_COLUMNS, "generation", "parents"]
    return frame[[name for name in columns if name in frame]].astype(object).map(_sortable)


def _sortable(value: object) -> object:
    """A fraction with six decimals. Whole numbers stay whole, and a missing number is empty."""
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return ""
    return int(value) if value.is_integer() and abs(value) >= 1 else f"{value:.6f}"

"""The description of a search on its page in MLflow: what it found, where to look, and the commands to go on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

from haemsa.cluster.report.next_steps import next_commands
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.report.sentences import best_line, lines, plain_lines
from haemsa.cluster.run_directory.plain_models import PlainModels
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.shared.files import write_text
from haemsa.cluster.tracking.client import registered_name
from haemsa.cluster.tracking.records import SearchEnded, SearchStarted

REPORT: Final = "report.html"
FRONT: Final = "front.png"
_WORDS: Final = "README.md"
_MOST_COMPARED: Final = 20


def draw(run: RunDirectory, folder: Path) -> None:
    """Put into `folder`, which is made, what is shown of a search that has ended: pictures, the report and words."""
    from haemsa.cluster.report.figures.search import write_pictures
    from haemsa.cluster.report.page.report import write_quick_report

    record = SearchRecord.read(run)
    write_pictures(record, folder)
    write_quick_report(run, record, folder / REPORT)
    words = " ".join([*plain_lines(PlainModels.of(record.summary)), *lines(record)])
    write_text(folder / _WORDS, "\n\n".join([f"**{best_line(record)}**", words, _commands(run)]))


def _commands(run: RunDirectory) -> str:
    commands = next_commands(run.path, run.config(), run.summary())
    return "\n".join(["To go on:", "", "```bash", *commands, "```"])


def description(
    experiment: str, run_id: str, search: SearchStarted, record: SearchEnded, networks: Mapping[int, str]
) -> str:
    """What the page of the search's run says, as Markdown. The page shows the first lines, and the rest on demand.

    Args:
        experiment: the id of the experiment.
        run_id: the run of the search.
        search: the search.
        record: how it ended.
        networks: the runs of its networks by id, the best first.
    """
    words = record.pictures / _WORDS if record.pictures else None
    text = words.read_text(encoding="utf-8") if words is not None and words.exists() else ""
    best, _, rest = text.partition("\n\n")
    links = " · ".join(_links(experiment, run_id, search, record, networks))
    picture = f"![front](get-artifact?path={FRONT}&run_uuid={run_id})" if _drawn(record, FRONT) else ""
    place = f"Run directory: `{record.run_dir}`" if record.run_dir else ""
    return "\n\n".join(part for part in (best, links, picture, rest, place) if part)


def _drawn(record: SearchEnded, name: str) -> bool:
    return record.pictures is not None and (record.pictures / name).exists()


def _links(
    experiment: str, run_id: str, search: SearchStarted, record: SearchEnded, networks: Mapping[int, str]
) -> Iterator[str]:
    files = f"#/experiments/{experiment}/runs/{run_id}/artifacts"
    for name in (REPORT, FRONT):
        if _drawn(record, name):
            yield f"[{Path(name).stem}]({files}/{name})"
    shown = [networks[row["id"]] for row in record.networks if row["on_front"]][:_MOST_COMPARED]
    if len(shown) > 1:
        yield f"[networks of the front compared]({_compared(experiment, shown)})"
    if model := record.summary.get("model"):
        what = "champion" if model.endswith("@champion") else "registered model"
        yield f"[{what}](#/models/{registered_name(search.name)})"


def _compared(experiment: str, runs: list[str]) -> str:
    """The page that compares runs: their genes and scores as parallel coordinates, as scatter, and side by side."""
    return f"#/compare-runs?runs={_quoted(runs)}&experiments={_quoted([experiment])}&workflowType=machine_learning"


def _quoted(values: list[str]) -> str:
    return quote(json.dumps(values, separators=(",", ":")))

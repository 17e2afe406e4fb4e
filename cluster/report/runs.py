"""What `haemsa list` prints: the searches whose run directories are in one folder."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from haemsa.cluster.run_directory.lock import in_use
from haemsa.cluster.run_directory.ranking import cut_off
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.shared.text import number

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class ListedRun:
    """One run directory at a glance.

    `state`: "running"; "interrupted" by Ctrl-C or because its process died, so that it can be resumed; "ended";
    "damaged", and then `problem` says what cannot be read. `evaluations`: how many were made, of `budget` (None: no
    limit). `best`: the best score of the first objective, `objective`, so far. `made`: when the search began, as ISO
    8601 has it.
    """

    run: Path
    state: Literal["running", "interrupted", "ended", "damaged"]
    data: str | None = None
    evaluations: int | None = None
    budget: int | None = None
    objective: str | None = None
    best: float | None = None
    made: str | None = None
    problem: str | None = None


def list_runs(folder: Path) -> list[ListedRun]:
    """The searches in a folder, the latest first.

    Args:
        folder: The folder that holds the run directories.

    Raises:
        ValueError: There is no such folder.

    Example:
        >>> [found.run for found in list_runs(Path("runs")) if found.state == "running"]  # doctest: +SKIP
    """
    if not folder.is_dir():
        raise ValueError(f"folder {folder} does not exist, expected one that holds run directories")
    runs = [_listed(path) for path in sorted(folder.iterdir()) if (path / "journal.sqlite").is_file()]
    return sorted(runs, key=lambda listed: listed.made or "", reverse=True)


def runs_table(runs: Sequence[ListedRun]) -> Table:
    """The searches as a table, in the given order.

    Args:
        runs: what `list_runs` returned.

    Example:
        >>> rich.print(runs_table(list_runs(Path("runs"))))  # doctest: +SKIP
    """
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for name in ("run", "data", "evaluations", "state", "best", "begun"):
        table.add_column(name, justify="right" if name == "evaluations" else "left", overflow="fold")
    for listed in runs:
        cells = (str(listed.run), listed.data or "", _progress(listed), listed.state, _best(listed), _begun(listed))
        table.add_row(*map(Text, cells))
    return table


def _listed(path: Path) -> ListedRun:
    running = in_use(path)
    try:
        with RunDirectory.open(path, read_only=True) as run:
            config, summary, facts, counts = run.config(), run.summary(), run.manifest(), run.journal.counts()
        objective = next(iter(facts.get("objectives", {})), None)
        return ListedRun(
            path,
            "running" if running else _state(summary, facts, counts),
            config.data,
            counts["done"] + counts["failed"],
            config.evaluations,
            objective,
            _score(path, summary, objective),
            facts.get("made"),
        )
    except (ValueError, OSError, KeyError, TypeError, AttributeError) as problem:
        return ListedRun(path, "damaged", problem=str(problem))


def _state(
    summary: Mapping[str, Any] | None, facts: Mapping[str, Any], counts: Mapping[str, int]
) -> Literal["interrupted", "ended"]:
    """The state of a search that no process works on."""
    if summary is not None:
        return "interrupted" if cut_off(summary) else "ended"
    custom = "objectives" not in facts  # a search of one's own space writes no summary
    return "ended" if custom and not counts["asked"] else "interrupted"


def _score(path: Path, summary: Mapping[str, Any] | None, objective: str | None) -> float | None:
    """The best score so far: that of the summary, or of the first row of the front."""
    if objective is None:
        return None
    if summary is not None:
        score = ((summary.get("best") or {}).get("scores") or {}).get(objective)
        return None if score is None else float(score)
    try:
        with (path / "front.csv").open(encoding="utf-8", newline="") as file:
            first = next(csv.DictReader(file), {})
    except FileNotFoundError:  # no generation has ended
        return None
    return float(first[objective]) if first.get(objective) else None


def _progress(listed: ListedRun) -> str:
    if listed.evaluations is None:
        return ""
    return f"{listed.evaluations} of {listed.budget}" if listed.budget else str(listed.evaluations)


def _best(listed: ListedRun) -> str:
    return "" if listed.best is None else f"{listed.objective} {number(listed.best)}"


def _begun(listed: ListedRun) -> str:
    """When the search began, by the clock on the wall."""
    return f"{datetime.fromisoformat(listed.made).astimezone():%Y-%m-%d %H:%M}" if listed.made else ""

"""What `haemsa show RUN` prints: how a search went, its best genome, its front, and its generations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haemsa.cluster.run_directory.ranking import best_of, directions, final_rows, front_of, full_rung, scores_of
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.run_directory.tables import genome_columns
from haemsa.cluster.shared.genome_tree import genome_tree
from haemsa.cluster.shared.terminal import console as standard_output
from haemsa.cluster.shared.text import duration, number

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_FRONT_COLUMNS = ("modalities", "levels", "experts", "width", "epochs", "learning_rate")


def show(path: Path, console: Console | None = None, *, front_rows: int = 30) -> None:
    """Print the search in the run directory `path`, also while it runs. ValueError if it holds none."""
    with RunDirectory.open(path, read_only=True) as run:
        rows, summary, manifest = list(run.journal.rows()), run.summary(), run.manifest()
        config, full = run.config(), full_rung(run)
        name = config.title
    final, console = final_rows(rows, full), console or standard_output()
    console.print(_heading(name, rows, summary), markup=False, highlight=False)
    if not final:
        console.print("No candidate has scores yet.")
        return
    objectives = directions(final, manifest)
    front = front_of(final, objectives)
    best = best_of(front, summary)
    scores = ", ".join(f"{key} {_score(best, key)}" for key in objectives)
    console.print(genome_tree(best.genome, f"best: candidate {best.id}, {scores}"))
    console.print(_front_table(front[:front_rows], objectives, len(front)))
    ensemble = (summary or {}).get("ensemble")
    if ensemble:
        console.print(ensemble_line(ensemble, next(iter(objectives))), markup=False, highlight=False)
    console.print(_generation_table(rows, objectives, full))


def ensemble_line(ensemble: Mapping[str, Any], objective: str) -> str:
    """What the best ensemble is made of, and what it brings and costs."""
    made = ", ".join(f"candidate {member['id']} x {member['count']}" for member in ensemble["members"])
    scores, alone = ensemble["scores"].get(objective), ensemble["best_alone"].get(objective)
    figures = (
        "" if scores is None else f"{objective} {number(scores)} on held-out samples, {number(alone)} its best alone; "
    )
    networks, params = int(ensemble["networks"]), number(ensemble["params"])
    return f"Ensemble: {made}: {figures}{networks} networks of {params} parameters together"


def _heading(name: str, rows: Sequence[JournalRow], summary: Mapping[str, Any] | None) -> str:
    failed = sum(row.status == "failed" for row in rows)
    ended = sum(row.status != "asked" for row in rows)
    parts = [f"{name}: {ended} evaluations", f"{failed} failed"]
    if summary is None:
        waiting = sum(row.status == "asked" for row in rows)
        return ", ".join([*parts, f"{waiting} pending: the search has not ended"])
    labels = {"wall_seconds": "in {}", "worker_busy_fraction": "workers busy {}", "hypervolume": "hypervolume {}"}
    for key, text in labels.items():
        value = summary.get(key)
        if value is not None:
            parts.append(text.format(_figure(key, float(value))))
    return ", ".join(parts)


def _figure(key: str, value: float) -> str:
    if key == "wall_seconds":
        return duration(value)
    return f"{value:.0%}" if key == "worker_busy_fraction" else number(value)


def _front_table(front: Sequence[JournalRow], objectives: Mapping[str, str], total: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    more = f", the first {len(front)}" if total > len(front) else ""
    again = ", trained again from scratch" if front[0].confirmed is not None else ""
    table = Table(
        title=f"Front: {total} {'candidate' if total == 1 else 'candidates'}{more}{again}", title_justify="left"
    )
    table.add_column("id", justify="right")
    for name, direction in objectives.items():
        table.add_column(Text(f"{name} {'↓' if direction == 'min' else '↑'}"), justify="right", no_wrap=True)
    main = next(iter(objectives))
    if again:
        table.add_column(Text(f"{main} in search"), justify="right")
    for name in _FRONT_COLUMNS:
        table.add_column(name.replace("_", " "))
    for row in front:
        columns = genome_columns(row.genome)
        cells = [cell(columns[name]) for name in _FRONT_COLUMNS]
        searched = [number(row.scores[main].mean)] if again else []
        table.add_row(str(row.id), *(_score(row, name) for name in objectives), *searched, *map(Text, cells))
    return table


def _generation_table(rows: Sequence[JournalRow], objectives: Mapping[str, str], full: int) -> Table:
    """Per generation: how many ended, failed and got final scores, and the best of these so far of each objective."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Generations", title_justify="left")
    for name in ("generation", "ended", "failed", "final scores", *(f"best {name}" for name in objectives), "training"):
        table.add_column(Text(name), justify="right")
    best: dict[str, float] = {}
    for generation in sorted({row.generation for row in rows if row.generation is not None}):
        members = [row for row in rows if row.generation == generation]
        final = [row for row in members if row.status == "done" and len(row.outcomes) > full]
        for name, direction in objectives.items():
            values = [row.scores[name].mean for row in final] + ([best[name]] if name in best else [])
            if values:
                best[name] = min(values) if direction == "min" else max(values)
        counts = (str(len(members)), str(sum(row.status == "failed" for row in members)), str(len(final)))
        figures = (number(best[name]) if name in best else "-" for name in objectives)
        table.add_row(str(generation), *counts, *figures, duration(sum(row.seconds or 0.0 for row in members)))
    return table


def _score(row: JournalRow, name: str) -> str:
    score = scores_of(row)[name]
    return number(score.mean) + (f" ± {number(score.error)}" if score.error > 0 else "")


def cell(value: object) -> str:
    """A genome's column in a table: three digits of a fraction."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)

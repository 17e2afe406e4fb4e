"""What `haemsa show RUN` prints: how a search went, its best genome, its front, and its generations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster.drawing import genome_tree
from cluster.journal import JournalRow, RunDirectory
from cluster.progress import duration, number
from cluster.tables import genome_columns
from cluster.terminal import console as standard_output
from evo.candidate import Score
from model.spec import Genome

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_FRONT_COLUMNS = ("modalities", "levels", "experts", "width", "epochs", "learning_rate")


def show(path: Path, console: Console | None = None, *, front_rows: int = 30) -> None:
    """Print the search in the run directory `path`, also while it runs. ValueError if it holds none."""
    with RunDirectory.open(path, read_only=True) as run:
        rows, summary, manifest = list(run.rows()), run.summary(), run.manifest()
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


def full_rung(run: RunDirectory) -> int:
    """The first rung whose scores are final, as the search's ladder has it."""
    _, full, *_ = run.state().get("evolution", {}).get("ladder", (0, 0))
    return int(full)


def final_rows(rows: Sequence[JournalRow], full: int) -> list[JournalRow]:
    """The candidates that can be compared: those confirmed, else those with final scores, else the furthest so far."""
    return [row for row in rows if row.status == "done" and row.confirmed is not None] or scored_rows(rows, full)


def scored_rows(rows: Sequence[JournalRow], full: int) -> list[JournalRow]:
    """The candidates whose scores of the search can be compared: final ones, else those of the furthest so far."""
    done = [row for row in rows if row.status == "done"]
    top = min(max((len(row.outcomes) for row in done), default=0), full + 1)
    return [row for row in done if len(row.outcomes) >= top]


def scores_of(row: JournalRow) -> Mapping[str, Score]:
    """What a candidate is compared by: its confirmed scores, else its last."""
    return row.scores if row.confirmed is None else row.confirmed


def ensemble_line(ensemble: Mapping[str, Any], objective: str) -> str:
    """What the best ensemble is made of, and what it brings and costs."""
    made = ", ".join(f"candidate {member['id']} x {member['count']}" for member in ensemble["members"])
    scores, alone = ensemble["scores"].get(objective), ensemble["best_alone"].get(objective)
    figures = (
        "" if scores is None else f"{objective} {number(scores)} on held-out samples, {number(alone)} its best alone; "
    )
    networks, params = int(ensemble["networks"]), number(ensemble["params"])
    return f"Ensemble: {made}: {figures}{networks} networks of {params} parameters together"


def directions(rows: Sequence[JournalRow], manifest: Mapping[str, Any]) -> dict[str, str]:
    """Objective -> "min" or "max": as the manifest's `objectives` has it, else as the metric's name implies."""
    if manifest.get("objectives"):
        return dict(manifest["objectives"])
    from model.metrics import DIRECTIONS

    return {name: DIRECTIONS.get(name.rpartition("/")[2], "min") for name in rows[0].scores}


def front_of(rows: Sequence[JournalRow], objectives: Mapping[str, str]) -> list[JournalRow]:
    """The rows that no other row dominates, the best of the first objective first. `rows` all have scores."""
    import moocore
    import numpy as np

    signs = np.array([1.0 if direction == "min" else -1.0 for direction in objectives.values()])
    losses = signs * np.array([[scores_of(row)[name].mean for name in objectives] for row in rows])
    chosen = np.flatnonzero(moocore.is_nondominated(losses)).tolist()
    return [rows[index] for index in sorted(chosen, key=lambda index: tuple(losses[index]))]


def best_of(front: Sequence[JournalRow], summary: Mapping[str, Any] | None) -> JournalRow:
    """The best of a front: the summary's, else the first."""
    chosen = ((summary or {}).get("best") or {}).get("id")
    return next((row for row in front if row.id == chosen), front[0])


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


def best_genome(run: RunDirectory) -> Genome:
    """The best genome of a search: the summary's, else the first of the front so far. ValueError if none has scores."""
    final = final_rows(list(run.rows()), full_rung(run))
    if not final:
        raise ValueError(f"run directory {run.path} has no candidate with scores yet, expected at least one")
    return best_of(front_of(final, directions(final, run.manifest())), run.summary()).genome

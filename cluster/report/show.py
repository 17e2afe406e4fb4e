"""What `haemsa show RUN` prints: how a search went, its best genome, its front, and its generations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from haemsa.cluster.run_directory.ranking import best_of, directions, final_rows, front_of, full_rung, scores_of
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.run_directory.tables import genome_columns
from haemsa.cluster.shared.genome_tree import genome_tree
from haemsa.cluster.shared.terminal import console as standard_output
from haemsa.cluster.shared.text import counted, duration, number

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_FRONT_COLUMNS: Final = ("modalities", "levels", "experts", "width", "epochs", "learning_rate")


def show(path: Path, console: Console | None = None, *, front_rows: int = 30) -> None:
    """Print a search, also while it runs.

    Args:
        path: the run directory of the search.
        console: where to print. None: standard output.
        front_rows: how many candidates of the front to print at most.

    Raises:
        ValueError: `path` holds no search.

    Example:
        >>> show_run(Path("runs/planted"))  # doctest: +SKIP
    """
    with RunDirectory.open(path, read_only=True) as run:
        rows, summary, manifest = list(run.journal.rows()), run.summary(), run.manifest()
        name, full = run.config().title, full_rung(run)
    final, console = final_rows(rows, full), console or standard_output()
    console.print(_heading(name, rows, summary), markup=False, highlight=False)
    if not final:
        console.print("No candidate has scores yet.")
        return
    objectives = directions(final, manifest)
    front = front_of(final, objectives)
    best = best_of(front, summary)
    scores = ", ".join(f"{key} {score_words(best, key)}" for key in objectives)
    console.print(genome_tree(best.genome, f"best: candidate {best.id}, {scores}"))
    console.print(_front_table(front[:front_rows], objectives, len(front)))
    ensemble = (summary or {}).get("ensemble")
    if ensemble:
        console.print(ensemble_line(ensemble, next(iter(objectives))), markup=False, highlight=False)
    console.print(_generation_table(rows, objectives, full))


def ensemble_line(ensemble: Mapping[str, Any], objective: str) -> str:
    """What the best ensemble is made of, how good it is, and its size. `ensemble`: as summary.json has it."""
    members = ", ".join(f"candidate {member['id']} (weight {member['count']})" for member in ensemble["members"])
    score, best_alone = ensemble["scores"].get(objective), ensemble["best_alone"].get(objective)
    sentences = [f"Ensemble: {members}."]
    if score is not None:
        alone = f"its best candidate alone: {number(best_alone)}"
        sentences.append(f"{objective} on held-out samples: {number(score)}; {alone}.")
    networks, params = int(ensemble["networks"]), number(ensemble["params"])
    sentences.append(f"Size: {counted(networks, 'network')} with {params} parameters in all.")
    return " ".join(sentences)


def score_words(row: JournalRow, name: str) -> str:
    """A candidate's score, with its standard error if there is one."""
    score = scores_of(row)[name]
    return number(score.mean) + (f" ± {number(float(f'{score.error:.2g}'))}" if score.error > 0 else "")


def cell(value: object) -> str:
    """A genome's column in a table, with three digits of a fraction."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _heading(name: str, rows: Sequence[JournalRow], summary: Mapping[str, Any] | None) -> str:
    failed = sum(row.status == "failed" for row in rows)
    ended = sum(row.status != "asked" for row in rows)
    parts = [f"{name}: {ended} evaluations", f"{failed} failed"]
    if summary is None:
        pending = sum(row.status == "asked" for row in rows)
        return ", ".join([*parts, f"{pending} pending: the search has not ended"])
    labels = {"wall_seconds": "in {}", "worker_busy_fraction": "workers busy {}", "hypervolume": "hypervolume {}"}
    for key, text in labels.items():
        value = summary.get(key)
        if value is not None:
            parts.append(text.format(_statistic(key, float(value))))
    return ", ".join(parts)


def _statistic(key: str, value: float) -> str:
    if key == "wall_seconds":
        return duration(value)
    return f"{value:.0%}" if key == "worker_busy_fraction" else number(value)


def _front_table(front: Sequence[JournalRow], objectives: Mapping[str, str], total: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    confirmed = front[0].confirmed is not None
    more = f", the first {len(front)}" if total > len(front) else ""
    again = ", trained again from scratch" if confirmed else ""
    table = Table(title=f"Front: {counted(total, 'candidate')}{more}{again}", title_justify="left")
    table.add_column("id", justify="right")
    for name, direction in objectives.items():
        table.add_column(Text(f"{name} {'↓' if direction == 'min' else '↑'}"), justify="right", no_wrap=True)
    main = next(iter(objectives))
    if confirmed:
        table.add_column(Text(f"{main} in search"), justify="right")
    for name in _FRONT_COLUMNS:
        table.add_column(name.replace("_", " "))
    for row in front:
        columns = genome_columns(row.genome)
        cells = [cell(columns[name]) for name in _FRONT_COLUMNS]
        score_in_search = [number(row.scores[main].mean)] if confirmed else []
        scores = [score_words(row, name) for name in objectives]
        table.add_row(str(row.id), *scores, *score_in_search, *map(Text, cells))
    return table


def _generation_table(rows: Sequence[JournalRow], objectives: Mapping[str, str], full: int) -> Table:
    """Per generation: how many candidates ended, failed and got final scores, and the best of each objective so far."""
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
        best_so_far = (number(best[name]) if name in best else "-" for name in objectives)
        table.add_row(str(generation), *counts, *best_so_far, duration(sum(row.seconds or 0.0 for row in members)))
    return table

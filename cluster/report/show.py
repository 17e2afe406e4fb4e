"""What `haemsa show RUN` prints: how a search went, its best genome, its front, and its generations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from haemsa.cluster.report.generations import breeding_line, generations, unfinished_words
from haemsa.cluster.report.tables import cell, marked, score_words, searched_words, star_note, with_direction
from haemsa.cluster.run_directory.plain_models import Constant, PlainModels
from haemsa.cluster.run_directory.ranking import (
    best_of,
    cut_off,
    directions,
    final_rows,
    front_of,
    full_rung,
    scores_of,
)
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.run_directory.tables import genome_columns
from haemsa.cluster.shared.genome_tree import genome_tree
from haemsa.cluster.shared.terminal import console as standard_output
from haemsa.cluster.shared.text import counted, duration, number

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_FIGURES: Final = ("wall_seconds", "worker_busy_fraction", "hypervolume")
_FRONT_COLUMNS: Final = ("modalities", "levels", "experts", "width", "epochs", "learning_rate")


@dataclass(frozen=True)
class _Search:
    """A search as its run directory has it.

    `final`: the candidates that can be compared. `budget`: how many may be evaluated; None: any number.
    """

    name: str
    rows: Sequence[JournalRow]
    summary: Mapping[str, Any] | None
    objectives: Mapping[str, str]
    full: int
    final: Sequence[JournalRow]
    budget: int | None
    constant: Constant

    @classmethod
    def read(cls, path: Path) -> _Search:
        with RunDirectory.open(path, read_only=True) as run:
            rows, summary, manifest = list(run.journal.rows()), run.summary(), run.manifest()
            config, full = run.config(), full_rung(run)
        final = final_rows(rows, full)
        objectives = directions(final, manifest) if final else {}
        constant = Constant.of(manifest, objectives)
        return cls(config.title, rows, summary, objectives, full, final, config.evaluations, constant)

    def front(self) -> list[JournalRow]:
        return front_of(self.final, self.objectives)

    def count(self, *states: str) -> int:
        return sum(row.status in states for row in self.rows)


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
    search, console = _Search.read(path), console or standard_output()
    console.print(_heading(search), markup=False, highlight=False)
    if not search.final:
        console.print("No candidate has scores yet.")
        return
    front, objectives = search.front(), search.objectives
    best = best_of(front, search.summary)
    scores = ", ".join(f"{key} {score_words(best, key)}" for key in objectives)
    console.print(genome_tree(best.genome, f"{_best_words(best, search.summary)}: candidate {best.id}, {scores}"))
    console.print(_front_table(front[:front_rows], search, len(front)))
    ensemble = (search.summary or {}).get("ensemble")
    if ensemble:
        console.print(ensemble_line(ensemble, next(iter(objectives))), markup=False, highlight=False)
    console.print(_generation_table(search))
    if search.summary is not None:
        plain = PlainModels.of(search.summary)
        for line in (*breeding_line(search.rows), *(plain.warning() if plain else [])):
            console.print(line, markup=False, highlight=False)


def show_values(path: Path) -> dict[str, Any]:
    """A search as plain values, also while it runs: what `haemsa show --json` writes.

    Args:
        path: the run directory of the search.

    Returns:
        The whole front, the best candidate, and per generation how many candidates ended and the best scores so far.
        `plain` is what plain models reach beside the best. It, `ended_by` and `ensemble` are None until the search has
        ended.

    Raises:
        ValueError: `path` holds no search.

    Example:
        >>> show_values(Path("runs/planted"))["best"]["scores"]  # doctest: +SKIP
    """
    search = _Search.read(path)
    front = search.front() if search.final else []
    summary = search.summary or {}
    return {
        "name": search.name,
        "ended_by": summary.get("ended_by"),
        "evaluations": search.count("done", "failed"),
        "failures": search.count("failed"),
        "pending": search.count("asked"),
        "climbing": sum(row.climbing for row in search.rows),
        **{name: summary.get(name) for name in _FIGURES},
        "objectives": dict(search.objectives),
        "best": _candidate(best_of(front, summary), search) if front else None,
        "front": [_candidate(row, search) for row in front],
        "ensemble": summary.get("ensemble"),
        "plain": summary.get("plain"),
        "generations": [asdict(generation) for generation in generations(search.rows, search.objectives, search.full)],
    }


def _candidate(row: JournalRow, search: _Search) -> dict[str, Any]:
    """A candidate as summary.json has it."""
    scores = scores_of(row)
    before = {} if row.confirmed is None else {name: row.scores[name].mean for name in search.objectives}
    return {
        "id": row.id,
        "genome": json.loads(row.genome_json),
        "scores": {name: score.mean for name, score in scores.items()},
        "errors": {name: score.error for name, score in scores.items() if score.error},
        "search_scores": before,
    }


def ensemble_line(ensemble: Mapping[str, Any], objective: str) -> str:
    """What the best ensemble is made of, how good it is, and its size. `ensemble`: as summary.json has it."""
    if len(ensemble["members"]) == 1:
        return f"No ensemble is better than candidate {ensemble['members'][0]['id']} by itself."
    members = ", ".join(f"candidate {member['id']} (weight {member['count']})" for member in ensemble["members"])
    score, best_alone = ensemble["scores"].get(objective), ensemble["best_alone"].get(objective)
    sentences = [f"Ensemble: {members}."]
    if score is not None:
        alone = f"its best candidate alone: {number(best_alone)}"
        sentences.append(f"{objective} on held-out samples: {number(score)}; {alone}.")
    networks, params = int(ensemble["networks"]), number(ensemble["params"])
    sentences.append(f"Size: {counted(networks, 'network')} with {params} parameters in all.")
    return " ".join(sentences)


def _best_words(best: JournalRow, summary: Mapping[str, Any] | None) -> str:
    if best.confirmed is not None:
        return "best"
    return f"best{' so far' if cut_off(summary) else ''}, not confirmed"


def _heading(search: _Search) -> str:
    parts = [f"{search.name}: {search.count('done', 'failed')} evaluations", f"{search.count('failed')} failed"]
    if search.summary is None:
        return ", ".join([*parts, f"{unfinished_words(search.rows, search.budget)}: the search has not ended"])
    took, busy = search.summary.get("wall_seconds"), search.summary.get("worker_busy_fraction")
    parts += [f"in {duration(took)}"] if took is not None else []
    parts += [f"workers busy {busy:.0%}"] if busy is not None else []
    return ", ".join(parts)


def _front_table(front: Sequence[JournalRow], search: _Search, total: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    objectives, confirmed = search.objectives, front[0].confirmed is not None
    more = f", the first {len(front)}" if total > len(front) else ""
    again = ", trained again from scratch" if confirmed else ""
    table = Table(title=f"Front: {counted(total, 'candidate')}{more}{again}", title_justify="left")
    table.caption, table.caption_justify = star_note(front, search.constant) or None, "left"
    table.add_column("id", justify="right")
    for name, direction in objectives.items():
        table.add_column(Text(with_direction(name, direction)), justify="right", no_wrap=True)
    main = next(iter(objectives))
    if confirmed:
        table.add_column(Text(f"{main} in search"), justify="right")
    for name in _FRONT_COLUMNS:
        table.add_column(name.replace("_", " "))
    for row in front:
        columns = genome_columns(row.genome)
        cells = [cell(columns[name]) for name in _FRONT_COLUMNS]
        score_in_search = [searched_words(row, main, search.full)] if confirmed else []
        table.add_row(str(row.id), *marked(row, objectives, search.constant), *score_in_search, *map(Text, cells))
    return table


def _generation_table(search: _Search) -> Table:
    from rich.table import Table
    from rich.text import Text

    names = list(search.objectives)
    table = Table(title="Generations", title_justify="left")
    for name in ("generation", "ended", "failed", "final scores", *(f"best {name}" for name in names), "training"):
        table.add_column(Text(name), justify="right")
    for row in generations(search.rows, search.objectives, search.full):
        best = (number(row.best[name]) if name in row.best else "-" for name in names)
        table.add_row(*map(str, (row.generation, row.ended, row.failed, row.final)), *best, duration(row.seconds))
    return table

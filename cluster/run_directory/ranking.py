"""Which candidates of a run directory can be compared, which are on the front, and which is the best."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.evo.candidate import Score
from haemsa.model.spec.genome import Genome


def full_rung(run: RunDirectory) -> int:
    """The first rung whose scores are final."""
    _, full, *_ = run.journal.state().get("evolution", {}).get("ladder", (0, 0))
    return int(full)


def final_rows(rows: Sequence[JournalRow], full: int) -> list[JournalRow]:
    """The candidates that can be compared: the confirmed ones; if there are none, those of `scored_rows`."""
    return [row for row in rows if row.status == "done" and row.confirmed is not None] or scored_rows(rows, full)


def scored_rows(rows: Sequence[JournalRow], full: int) -> list[JournalRow]:
    """The candidates with final scores. Before there are any, the candidates on the highest rung so far."""
    done = [row for row in rows if row.status == "done"]
    top = min(max((len(row.outcomes) for row in done), default=0), full + 1)
    return [row for row in done if len(row.outcomes) >= top]


def scores_of(row: JournalRow) -> Mapping[str, Score]:
    """The scores that a candidate is compared by: the confirmed ones, or its last ones if it is not confirmed."""
    return row.scores if row.confirmed is None else row.confirmed


def directions(rows: Sequence[JournalRow], manifest: Mapping[str, Any]) -> dict[str, str]:
    """Objective -> "min" or "max", from the manifest. Older manifests lack it; then the metric's name decides."""
    if manifest.get("objectives"):
        return dict(manifest["objectives"])
    from haemsa.model.metrics import DIRECTIONS

    return {name: DIRECTIONS.get(name.rpartition("/")[2], "min") for name in rows[0].scores}


def front_of(
    rows: Sequence[JournalRow],
    objectives: Mapping[str, str],
    scores: Callable[[JournalRow], Mapping[str, Score]] = scores_of,
) -> list[JournalRow]:
    """The rows that no other row dominates, the best in the first objective first. All `rows` must have scores.

    `scores`: gives the scores that they are compared by.
    """
    import moocore
    import numpy as np

    signs = np.array([1.0 if direction == "min" else -1.0 for direction in objectives.values()])
    losses = signs * np.array([[of[name].mean for name in objectives] for of in map(scores, rows)])
    chosen = np.flatnonzero(moocore.is_nondominated(losses)).tolist()
    return [rows[index] for index in sorted(chosen, key=lambda index: tuple(losses[index]))]


def best_of(front: Sequence[JournalRow], summary: Mapping[str, Any] | None) -> JournalRow:
    """The best of a front: the summary's, else the first."""
    chosen = ((summary or {}).get("best") or {}).get("id")
    return next((row for row in front if row.id == chosen), front[0])


def cut_off(summary: Mapping[str, Any] | None) -> bool:
    """Whether a search with this summary has not come to its end: it runs (None), or it was interrupted."""
    return summary is None or summary.get("ended_by") == "interrupted"


def best_genome(run: RunDirectory) -> Genome:
    """The best genome of a search: the summary's, else the first of the front so far. ValueError if none has scores."""
    final = final_rows(list(run.journal.rows()), full_rung(run))
    if not final:
        raise ValueError(f"run directory {run.path} has no candidate with scores yet, expected at least one")
    return best_of(front_of(final, directions(final, run.manifest())), run.summary()).genome

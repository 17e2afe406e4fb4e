"""The networks that a search is judged by, one row for each: its front, what was confirmed, and who survived last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from haemsa.cluster.run_directory.ranking import scores_of
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.run_directory.tables import score_columns, thinned

MOST_NETWORKS: Final = 40
"""So many networks of a search have an entry of their own in MLflow, however many were tried."""


def network_rows(rows: Iterable[JournalRow], front: Sequence[int], survivors: Sequence[int]) -> list[dict[str, Any]]:
    """Rows of at most `MOST_NETWORKS` networks: first the front, then others that were confirmed, then the survivors.

    Args:
        rows: what the journal has, of these candidates at least and of those that were confirmed.
        front: ids on the front, the best in the first objective first. A longer front is thinned out evenly.
        survivors: ids of the last population, the most important first.

    Returns:
        For each network its scores (those that it is judged by, as in `score_columns`), `search_<name>` where others
        were confirmed, how it came about, and its genome as JSON.
    """
    known = {row.id: row for row in rows if row.scores}
    confirmed = [row.id for row in known.values() if row.confirmed is not None]
    chosen = dict.fromkeys([*thinned(front, MOST_NETWORKS), *confirmed, *survivors])
    on_front = set(front)
    return [_row(known[number], number in on_front) for number in chosen if number in known][:MOST_NETWORKS]


def _row(row: JournalRow, on_front: bool) -> dict[str, Any]:
    searched = row.scores if row.confirmed is not None else {}
    return {
        "id": row.id,
        "generation": row.generation,
        "rung": row.rung,
        "on_front": on_front,
        "confirmed": row.confirmed is not None,
        "parents": " ".join(map(str, row.parents)),
        "began": row.asked_at,
        "ended": row.ended_at,
        "seconds": row.seconds,
        "scores": score_columns(scores_of(row)),
        "searched": {name: score.mean for name, score in searched.items()},
        "genome": row.genome_json,
    }

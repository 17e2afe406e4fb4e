"""Candidates as JSON rows and back, so that a search that was killed goes on as if it had never stopped.

Each part of a search saves and loads its own state (`state_dict`); `Evolution` puts these together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from haemsa.evo.candidate import Candidate, Evaluated, Failure, G, Record, Score
from haemsa.evo.climbing import Climbing
from haemsa.evo.operators.breeding import Breeder
from haemsa.evo.records.archive import Archive

FORMAT: Final = 3
CandidateRow = dict[str, Any]
"""A candidate as plain JSON: id, genome, parents, fidelity (the last rung asked for), outcomes (scores of each rung
that it ended on, the first rung first) and failure or None. Without outcomes and failure, it is still pending."""


def upgraded(saved: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """A state of format 2 as one of this format, any other as it is.

    Format 2 has a rank for each member of the population, no rates of crossover and mutation (these are taken from
    `settings`), and no logbook.
    """
    if saved.get("format") != 2:
        return dict(saved)
    members = [[number, crowding, level, values] for number, _, crowding, level, values in saved["population"]]
    return {**settings, **saved, "format": FORMAT, "population": members, "logbook": "[]"}


def scores_to_json(scores: Mapping[str, Score]) -> dict[str, list[Any]]:
    """`[mean, error, replicates, values]` per metric."""
    return {name: [score.mean, score.error, score.replicates, list(score.values)] for name, score in scores.items()}


def scores_from_json(data: Mapping[str, Any]) -> dict[str, Score]:
    """Read `scores_to_json`'s value."""
    return {name: Score(mean, error, n, tuple(values)) for name, (mean, error, n, values) in data.items()}


def candidate_to_json(
    candidate: Candidate[G] | Evaluated[G], encode: Callable[[G], Any], outcomes: Sequence[Mapping[str, Score]] = ()
) -> CandidateRow:
    """The row of a candidate that did not fail. `encode` turns a genome into JSON."""
    return {
        "id": candidate.id,
        "genome": encode(candidate.genome),
        "parents": list(candidate.parents),
        "fidelity": candidate.rung,
        "outcomes": [scores_to_json(scores) for scores in outcomes],
        "failure": None,
    }


def candidate_from_json(row: CandidateRow, decode: Callable[[Any], G]) -> Candidate[G]:
    """The candidate of a row, as it was asked for last."""
    return Candidate(row["id"], decode(row["genome"]), tuple(row["parents"]), row["fidelity"])


def records_from_json(row: CandidateRow, candidate: Candidate[G]) -> list[Record[G]]:
    """What a row tells of its candidate: a record per rung that it ended on, and a last one if it failed."""
    records: list[Record[G]] = [
        Evaluated(candidate.id, candidate.genome, candidate.parents, scores_from_json(outcome), rung)
        for rung, outcome in enumerate(row["outcomes"])
    ]
    if row["failure"] is not None:
        failure = Failure(row["failure"]["kind"], row["failure"]["message"])
        records.append(candidate.failed(failure))
    return records


def rows_to_json(
    archive: Archive[G], pending: Mapping[int, Candidate[G]], encode: Callable[[G], Any]
) -> list[CandidateRow]:
    """All candidates as rows: first those with scores, then those that failed, then the other pending ones."""
    rows: dict[int, CandidateRow] = {}
    for record in archive.evaluated.values():
        rows[record.id] = candidate_to_json(pending.get(record.id, record), encode, archive.outcomes[record.id])
    for failed in archive.failed.values():
        outcomes = archive.outcomes.get(failed.id, [])
        asked = Candidate(failed.id, failed.genome, failed.parents, len(outcomes))
        failure = {"kind": failed.failure.kind, "message": failed.failure.message}
        rows[failed.id] = {**candidate_to_json(asked, encode, outcomes), "failure": failure}
    return [*rows.values(), *(candidate_to_json(item, encode) for item in pending.values() if item.id not in rows)]


def restore(
    rows: Iterable[CandidateRow],
    saved: Mapping[str, Any],
    decode: Callable[[Any], G],
    archive: Archive[G],
    breeder: Breeder[G],
    climbing: Climbing[G],
) -> dict[int, Candidate[G]]:
    """Fill archive, breeder and rungs from `rows` in any order, as they were when the state was `saved`.

    Rows that neither ended nor are pending are skipped: they were asked for later, and will be bred again.

    Returns:
        The pending candidates by id, in the order in which they were asked for.

    Raises:
        ValueError: for a pending candidate without a row.
    """
    pending: dict[int, Candidate[G] | None] = dict.fromkeys(saved["pending"])
    not_entered = set(saved["ended"])
    for row in rows:
        candidate = candidate_from_json(row, decode)
        if candidate.id in pending:
            pending[candidate.id] = candidate
        records = records_from_json(row, candidate)
        if records:
            breeder.remember([candidate.genome])
            climbing.load(records, last_entered=candidate.id not in not_entered)
            for record in records:
                archive.take(record)
    missing = [number for number, candidate in pending.items() if candidate is None]
    if missing:
        raise ValueError(f"pending candidates {missing} have no row, expected one each with their genome")
    return {number: candidate for number, candidate in pending.items() if candidate is not None}

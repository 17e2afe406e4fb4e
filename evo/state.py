"""An `Evolution` as JSON and back, so that a search killed at any instant goes on as if it had not been."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from evo.candidate import (
    Candidate,
    Evaluated,
    Failed,
    Failure,
    G,
    Row,
    scores_from_json,
    scores_to_json,
)
from evo.individual import Individual

if TYPE_CHECKING:
    from evo.evolution import Evolution

FORMAT: Final = 1


def save(evolution: Evolution[G], encode: Callable[[G], Any], *, rows: bool) -> dict[str, Any]:
    """See `Evolution.state_dict`."""
    reference = evolution.archive.reference
    saved: dict[str, Any] = {
        **_settings(evolution),
        "next_id": evolution._next_id,
        "generation": evolution.generation,
        "reference": None if reference is None else reference.tolist(),
        "population": [[i.id, i.rank, i.crowding if np.isfinite(i.crowding) else None] for i in evolution.population],
        "told": [individual.id for individual in evolution._told],
        "pending": list(evolution._pending),
        "suggested": [[encode(genome), parent] for genome, parent in evolution._suggested],
        "queue": [_row(candidate, encode) for candidate in evolution._queue],
    }
    if rows:
        records: list[Any] = [*evolution.archive.evaluated.values(), *evolution.archive.failed.values()]
        saved["rows"] = [_row(record, encode) for record in [*records, *evolution._pending.values()]]
    return saved


def load(
    evolution: Evolution[G], saved: Mapping[str, Any], decode: Callable[[Any], G], rows: Iterable[Row] | None
) -> None:
    """See `Evolution.load_state_dict`."""
    for name, value in _settings(evolution).items():
        if saved.get(name) != value:
            raise ValueError(f"the saved search has {name} {saved.get(name)!r}, this one {value!r}")
    if evolution._keys:
        raise ValueError("a state is loaded into a search that has begun, expected a new one")
    evolution._next_id, evolution.generation = saved["next_id"], saved["generation"]
    evolution._queue = [_candidate(row, decode) for row in saved["queue"]]
    evolution._suggested = [(decode(genome), parent) for genome, parent in saved["suggested"]]
    _rows(evolution, saved, decode, saved["rows"] if rows is None else rows)
    evolution.archive.reference = None if saved["reference"] is None else np.array(saved["reference"])
    live = [*evolution._queue, *evolution._pending.values()]
    evolution._keys.update(evolution.space.key(candidate.genome) for candidate in live)
    for number, rank, crowding in saved["population"]:
        individual = _individual(evolution, number)
        individual.rank, individual.crowding = rank, np.inf if crowding is None else crowding
        evolution.population.append(individual)
    evolution._told = [_individual(evolution, number) for number in saved["told"]]


def _settings(evolution: Evolution[G]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "seed": evolution.seed,
        "mode": evolution.mode,
        "population_size": evolution.population_size,
        "objectives": [list(item) for item in evolution.objectives.directions],
    }


def _rows(evolution: Evolution[G], saved: Mapping[str, Any], decode: Callable[[Any], G], rows: Iterable[Row]) -> None:
    """Fill archive, keys and pending. Rows that neither ended nor are pending are skipped: they will be bred again."""
    waiting = dict.fromkeys(saved["pending"])
    for row in rows:
        if row.get("scores") is None and row.get("failure") is None:
            if row["id"] in waiting:
                waiting[row["id"]] = _candidate(row, decode)
            continue
        candidate = _candidate(row, decode)
        evolution._keys.add(evolution.space.key(candidate.genome))
        if row.get("scores") is None:
            failure = Failure(row["failure"]["kind"], row["failure"]["message"])
            evolution.archive.fail(Failed(candidate.id, candidate.genome, candidate.parents, failure))
            continue
        scores = scores_from_json(row["scores"])
        evolution.archive.add(Evaluated(candidate.id, candidate.genome, candidate.parents, scores))
    missing = [number for number, candidate in waiting.items() if candidate is None]
    if missing:
        raise ValueError(f"pending candidates {missing} have no row, expected one each with their genome")
    evolution._pending = {number: candidate for number, candidate in waiting.items() if candidate is not None}


def _row(item: Candidate[G] | Evaluated[G] | Failed[G], encode: Callable[[G], Any]) -> Row:
    failure = {"kind": item.failure.kind, "message": item.failure.message} if isinstance(item, Failed) else None
    return {
        "id": item.id,
        "genome": encode(item.genome),
        "parents": list(item.parents),
        "scores": scores_to_json(item.scores) if isinstance(item, Evaluated) else None,
        "failure": failure,
    }


def _candidate(row: Row, decode: Callable[[Any], G]) -> Candidate[G]:
    return Candidate(row["id"], decode(row["genome"]), tuple(row["parents"]))


def _individual(evolution: Evolution[G], number: int) -> Individual[G]:
    record = evolution.archive.evaluated.get(number)
    if record is None:
        raise ValueError(f"candidate {number} of the saved population has no row with scores")
    return Individual(record.genome, evolution.objectives.fitness(record.scores), number)

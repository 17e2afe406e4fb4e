"""An `Evolution` as JSON and back, so that a search killed at any instant goes on as if it had not been."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from haemsa.evo.candidate import Candidate, Evaluated, Failed, Failure, G, Score
from haemsa.evo.individual import Fitness, Individual

if TYPE_CHECKING:
    from haemsa.evo.evolution import Evolution

CandidateRow = dict[str, Any]
"""A candidate as plain JSON: id, genome, parents, fidelity (the last rung asked for), outcomes (scores of each rung
that it ended on, the first first) and failure or None. One that has neither outcome nor failure is still pending."""


def scores_to_json(scores: Mapping[str, Score]) -> dict[str, list[Any]]:
    """`[mean, error, replicates, values]` per metric."""
    return {name: [score.mean, score.error, score.replicates, list(score.values)] for name, score in scores.items()}


def scores_from_json(data: Mapping[str, Any]) -> dict[str, Score]:
    """Read `scores_to_json`'s value."""
    return {name: Score(mean, error, n, tuple(values)) for name, (mean, error, n, values) in data.items()}


FORMAT: Final = 2


def save(evolution: Evolution[G], encode: Callable[[G], Any], *, rows: bool) -> dict[str, Any]:
    """See `Evolution.state_dict`."""
    reference = evolution.archive.reference
    saved: dict[str, Any] = {
        **_settings(evolution),
        "next_id": evolution._breeder.next_id,
        "generation": evolution.generation,
        "reference": None if reference is None else reference.tolist(),
        "population": [_member(individual) for individual in evolution._population.members],
        "entered": list(evolution._population.entered),
        "order": list(evolution._arrivals.order),
        "ended": list(evolution._arrivals.ended),
        "pending": list(evolution._pending),
        "suggested": [[encode(genome), parent] for genome, parent in evolution._breeder.suggested],
        "queue": [_row(candidate, encode) for candidate in evolution._queue],
        "rising": [_row(candidate, encode) for candidate in evolution._rising],
    }
    if rows:
        saved["rows"] = _rows(evolution, encode)
    return saved


def load(
    evolution: Evolution[G], saved: Mapping[str, Any], decode: Callable[[Any], G], rows: Iterable[CandidateRow] | None
) -> None:
    """See `Evolution.load_state_dict`."""
    for name, value in _settings(evolution).items():
        if saved.get(name) != value:
            raise ValueError(f"the saved search has {name} {saved.get(name)!r}, this one {value!r}")
    breeder = evolution._breeder
    if breeder.keys:
        raise ValueError("a state is loaded into a search that has begun, expected a new one")
    breeder.next_id, evolution.generation = saved["next_id"], saved["generation"]
    breeder.suggested = [(decode(genome), parent) for genome, parent in saved["suggested"]]
    evolution._queue = [_candidate(row, decode) for row in saved["queue"]]
    evolution._rising = [_candidate(row, decode) for row in saved["rising"]]
    evolution._population.entered, evolution._arrivals.order = list(saved["entered"]), list(saved["order"])
    _take_rows(evolution, saved, decode, saved["rows"] if rows is None else rows)
    evolution.archive.reference = None if saved["reference"] is None else np.array(saved["reference"])
    live = [*evolution._queue, *evolution._pending.values()]
    breeder.keys.update(evolution.space.key(candidate.genome) for candidate in live)
    for candidate in [*evolution._rising, *evolution._pending.values()]:
        _mark_climbed(evolution, candidate.id, candidate.rung)
    evolution._population.members = [_individual(evolution, member) for member in saved["population"]]


def _settings(evolution: Evolution[G]) -> dict[str, Any]:
    ladder = evolution.ladder
    return {
        "format": FORMAT,
        "seed": evolution.seed,
        "mode": evolution.mode,
        "population_size": evolution.population_size,
        "objectives": [list(item) for item in evolution.objectives.directions],
        "ladder": [ladder.eta, ladder.full, *([rung.epochs, rung.replicates] for rung in ladder.rungs)],
    }


def _take_rows(
    evolution: Evolution[G], saved: Mapping[str, Any], decode: Callable[[Any], G], rows: Iterable[CandidateRow]
) -> None:
    """Fill archive, keys, rungs and pending. Rows that neither ended nor wait are skipped: they will be bred again."""
    waiting, ended = dict.fromkeys(saved["pending"]), set(saved["ended"])
    records: dict[int, Evaluated[G] | Failed[G]] = {}
    for row in rows:
        if row["id"] in waiting:
            waiting[row["id"]] = _candidate(row, decode)
        if not row["outcomes"] and row["failure"] is None:
            continue
        evolution._breeder.keys.add(evolution.space.key(decode(row["genome"])))
        records[row["id"]] = _take_outcomes(evolution, row, decode, counts=row["id"] not in ended)
    missing = [number for number, candidate in waiting.items() if candidate is None]
    if missing:
        raise ValueError(f"pending candidates {missing} have no row, expected one each with their genome")
    evolution._pending = {number: candidate for number, candidate in waiting.items() if candidate is not None}
    evolution._arrivals.ended = {number: records[number] for number in saved["ended"]}


def _take_outcomes(
    evolution: Evolution[G], row: CandidateRow, decode: Callable[[Any], G], *, counts: bool
) -> Evaluated[G] | Failed[G]:
    """Record a row; its last outcome `counts` on its rung unless it has not entered yet."""
    candidate, last = _candidate(row, decode), len(row["outcomes"]) - 1
    record: Evaluated[G] | Failed[G] | None = None
    for rung, outcome in enumerate(row["outcomes"]):
        record = Evaluated(candidate.id, candidate.genome, candidate.parents, scores_from_json(outcome), rung)
        evolution.archive.add(record)
        if counts or rung < last or row["failure"] is not None:
            evolution._count(record)
    _mark_climbed(evolution, candidate.id, last + (row["failure"] is not None))
    if row["failure"] is not None:
        failure = Failure(row["failure"]["kind"], row["failure"]["message"])
        record = Failed(candidate.id, candidate.genome, candidate.parents, failure)
        evolution.archive.fail(record)
    assert record is not None
    return record


def _mark_climbed(evolution: Evolution[G], number: int, rung: int) -> None:
    for lower in evolution._rungs[:rung]:
        lower.climbed.add(number)


def _rows(evolution: Evolution[G], encode: Callable[[G], Any]) -> list[CandidateRow]:
    archive, pending = evolution.archive, evolution._pending
    found: dict[int, CandidateRow] = {}
    for item in archive.evaluated.values():
        found[item.id] = _row(pending.get(item.id, item), encode, archive.outcomes[item.id])
    for failed in archive.failed.values():
        outcomes = archive.outcomes.get(failed.id, [])
        asked = Candidate(failed.id, failed.genome, failed.parents, len(outcomes))
        failure = {"kind": failed.failure.kind, "message": failed.failure.message}
        found[failed.id] = {**_row(asked, encode, outcomes), "failure": failure}
    return [*found.values(), *(_row(item, encode) for item in pending.values() if item.id not in found)]


def _row(
    item: Candidate[G] | Evaluated[G], encode: Callable[[G], Any], outcomes: Sequence[Mapping[str, Score]] = ()
) -> CandidateRow:
    return {
        "id": item.id,
        "genome": encode(item.genome),
        "parents": list(item.parents),
        "fidelity": item.rung,
        "outcomes": [scores_to_json(scores) for scores in outcomes],
        "failure": None,
    }


def _candidate(row: CandidateRow, decode: Callable[[Any], G]) -> Candidate[G]:
    return Candidate(row["id"], decode(row["genome"]), tuple(row["parents"]), row["fidelity"])


def _member(individual: Individual[G]) -> list[Any]:
    crowding = individual.crowding if np.isfinite(individual.crowding) else None
    return [individual.id, individual.rank, crowding, individual.level, list(individual.fitness.values)]


def _individual(evolution: Evolution[G], member: list[Any]) -> Individual[G]:
    number, rank, crowding, level, values = member
    record = evolution.archive.evaluated.get(number)
    if record is None:
        raise ValueError(f"candidate {number} of the saved population has no row with scores")
    fitness = Fitness(evolution.objectives.weights, values)
    return Individual(record.genome, fitness, number, rank, np.inf if crowding is None else crowding, level)

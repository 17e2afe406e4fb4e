"""What the journal holds of a candidate, and what is added when the candidate ends on a rung."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from haemsa.evo.candidate import Failure, Outcome, Score
from haemsa.evo.checkpoint import CandidateRow, scores_from_json, scores_to_json
from haemsa.model.spec.genome import Genome


@dataclass(frozen=True)
class RungOutcome:
    """A candidate's outcome on a rung: scores, or a failure. seconds: its share of the training time of its cohort."""

    id: int
    outcome: Outcome
    generation: int
    seconds: float = 0.0
    worker: str = ""
    rung: int = 0


@dataclass(frozen=True)
class JournalRow:
    """One candidate as the journal holds it. Times are seconds since 1970 (None: not yet).

    status: "asked" (no outcome yet), "done" or "failed". rung: the last one that the evolution asked for. outcomes: the
    scores of each rung that the candidate ended on, at the times `ended`. confirmed: the scores of the same genome
    trained again from scratch.
    """

    id: int
    genome_json: str
    key: str
    parents: tuple[int, ...]
    rung: int
    status: Literal["asked", "done", "failed"]
    generation: int | None
    outcomes: tuple[Mapping[str, Score], ...]
    failure: Failure | None
    seconds: float | None
    worker: str | None
    asked_at: float
    ended_at: float | None
    ended: tuple[float, ...] = ()
    confirmed: Mapping[str, Score] | None = None

    @property
    def genome(self) -> Genome:
        """The genome itself."""
        return Genome.from_json(self.genome_json)

    @property
    def climbing(self) -> bool:
        """Whether it has scores, and is trained further on a higher rung or waits for that."""
        return self.status == "done" and self.rung >= len(self.outcomes)

    @property
    def scores(self) -> Mapping[str, Score]:
        """The scores of the highest rung that it ended on. Empty if there are none."""
        return self.outcomes[-1] if self.outcomes else {}

    def for_evolution(self) -> CandidateRow:
        """The row as `Evolution.load_state_dict` reads it, with the genome as JSON text."""
        failure = {"kind": self.failure.kind, "message": self.failure.message} if self.failure else None
        return {
            "id": self.id,
            "genome": self.genome_json,
            "parents": list(self.parents),
            "fidelity": self.rung,
            "outcomes": [scores_to_json(scores) for scores in self.outcomes],
            "failure": failure,
        }


def row_of(
    values: tuple[Any, ...], outcomes: Iterable[Mapping[str, Score]], ended: Iterable[float], confirmed: str | None
) -> JournalRow:
    """A row, made of the columns of the table `candidates`, the scores of its rungs, and confirmed scores as JSON."""
    number, genome, key, parents, rung, status, generation, kind, message, *rest = values
    return JournalRow(
        id=number,
        genome_json=genome,
        key=key,
        parents=tuple(json.loads(parents)),
        rung=rung,
        status=status,
        generation=generation,
        outcomes=tuple(outcomes),
        failure=Failure(kind, message) if status == "failed" else None,
        seconds=rest[0],
        worker=rest[1],
        asked_at=rest[2],
        ended_at=rest[3],
        ended=tuple(ended),
        confirmed=None if confirmed is None else scores_from_json(json.loads(confirmed)),
    )

"""The journal of a search: every candidate, its outcome, and the state of the evolution, in one SQLite file.

Outcomes and the state that they led to are written in one transaction, so a process killed at any instant finds both or
neither. WAL mode lets others read meanwhile. Not for network file systems, where SQLite's locks do not hold.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from evo.candidate import Candidate, Failure, Outcome, Row, Score, scores_from_json, scores_to_json
from model.spec import Genome

FORMAT: Final = 1
_SCHEMA: Final = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS candidates(
    id INTEGER PRIMARY KEY, genome TEXT NOT NULL, key TEXT NOT NULL, parents TEXT NOT NULL, fidelity INTEGER NOT NULL,
    status TEXT NOT NULL, generation INTEGER, scores TEXT, failure_kind TEXT, failure_message TEXT,
    seconds REAL, worker TEXT, asked_at REAL NOT NULL, ended_at REAL);
CREATE TABLE IF NOT EXISTS state(key TEXT PRIMARY KEY, value TEXT NOT NULL);
COMMIT;
"""


@dataclass(frozen=True)
class Ended:
    """A candidate and its outcome: scores by objective, or a failure. `seconds`: its share of its cohort's time."""

    id: int
    outcome: Outcome
    generation: int
    seconds: float = 0.0
    worker: str = ""


@dataclass(frozen=True)
class JournalRow:
    """One candidate as the journal holds it. Times are seconds since 1970; None: not yet."""

    id: int
    genome_json: str
    key: str
    parents: tuple[int, ...]
    fidelity: int
    status: Literal["asked", "done", "failed"]
    generation: int | None
    scores: dict[str, Score]
    failure: Failure | None
    seconds: float | None
    worker: str | None
    asked_at: float
    ended_at: float | None

    @property
    def genome(self) -> Genome:
        """The genome, checked as it is read."""
        return Genome.from_json(self.genome_json)

    def for_evolution(self) -> Row:
        """What `Evolution.load_state_dict` takes as a row; the genome is JSON text, for `Genome.from_json`."""
        failure = {"kind": self.failure.kind, "message": self.failure.message} if self.failure else None
        scores = scores_to_json(self.scores) if self.status == "done" else None
        return {
            "id": self.id,
            "genome": self.genome_json,
            "parents": list(self.parents),
            "scores": scores,
            "failure": failure,
        }


class Journal:
    """One open journal. One process writes; others open it with `read_only`."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        try:
            self._db = _connect(path, read_only)
        except sqlite3.Error as error:
            raise ValueError(f"{path} is no journal of a search that can be opened: {error}") from None

    def asked(self, candidates: Iterable[Candidate[Genome]], state: Mapping[str, Any] | None = None) -> None:
        """Note candidates that are about to be trained, and the evolution's state after asking."""
        now = time.time()
        rows = [
            (item.id, item.genome.to_json(), item.genome.key, json.dumps(item.parents), item.fidelity, "asked", now)
            for item in candidates
        ]
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO candidates(id, genome, key, parents, fidelity, status, asked_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            self._write_state(state)

    def record(self, ended: Iterable[Ended], state: Mapping[str, Any] | None = None) -> None:
        """Note outcomes, and the state they led to, in one transaction. ValueError if a candidate was never asked."""
        with self._db:
            for item in ended:
                changed = self._db.execute(
                    "UPDATE candidates SET status = ?, generation = ?, scores = ?, failure_kind = ?, "
                    "failure_message = ?, seconds = ?, worker = ?, ended_at = ? WHERE id = ?",
                    _ended_values(item),
                ).rowcount
                if changed != 1:
                    raise ValueError(f"candidate {item.id} has an outcome but was never asked")
            self._write_state(state)

    def state(self) -> dict[str, Any]:
        """The last state written, key by key; empty if there is none."""
        return {key: json.loads(value) for key, value in self._db.execute("SELECT key, value FROM state")}

    def rows(self) -> Iterator[JournalRow]:
        """Every candidate, by id."""
        cursor = self._db.execute(
            "SELECT id, genome, key, parents, fidelity, status, generation, scores, failure_kind, failure_message, "
            "seconds, worker, asked_at, ended_at FROM candidates ORDER BY id"
        )
        with closing(cursor):
            yield from map(_row, cursor)

    def counts(self) -> dict[str, int]:
        """How many candidates are asked (pending), done and failed."""
        found = dict(self._db.execute("SELECT status, COUNT(*) FROM candidates GROUP BY status").fetchall())
        return {status: int(found.get(status, 0)) for status in ("asked", "done", "failed")}

    def close(self) -> None:
        """Close the file; nothing more can be written."""
        self._db.close()

    def _write_state(self, state: Mapping[str, Any] | None) -> None:
        rows = [(key, json.dumps(value)) for key, value in (state or {}).items()]
        self._db.executemany("INSERT OR REPLACE INTO state(key, value) VALUES (?, ?)", rows)


def _connect(path: Path, read_only: bool) -> sqlite3.Connection:
    uri = path.resolve().as_uri()
    if read_only:
        db = sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=10)
        db.execute("SELECT COUNT(*) FROM candidates").fetchone()
        return db
    db = sqlite3.connect(f"{uri}?mode=rwc", uri=True, timeout=10)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")  # safe from a killed process without a disk sync per outcome
    db.executescript(_SCHEMA)
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, FORMAT):
        raise ValueError(f"{path} has journal format {version}, this version reads {FORMAT}")
    db.execute(f"PRAGMA user_version={FORMAT}")
    return db


def _ended_values(ended: Ended) -> tuple[object, ...]:
    outcome = ended.outcome
    tail = (ended.seconds, ended.worker, time.time(), ended.id)
    if isinstance(outcome, Failure):
        return ("failed", ended.generation, None, outcome.kind, outcome.message, *tail)
    scores = {name: score if isinstance(score, Score) else Score(score) for name, score in outcome.items()}
    return ("done", ended.generation, json.dumps(scores_to_json(scores), allow_nan=False), None, None, *tail)


def _row(values: tuple[Any, ...]) -> JournalRow:
    number, genome, key, parents, fidelity, status, generation, scores, kind, message, *rest = values
    return JournalRow(
        id=number,
        genome_json=genome,
        key=key,
        parents=tuple(json.loads(parents)),
        fidelity=fidelity,
        status=status,
        generation=generation,
        scores=scores_from_json(json.loads(scores or "{}")),
        failure=Failure(kind, message) if status == "failed" else None,
        seconds=rest[0],
        worker=rest[1],
        asked_at=rest[2],
        ended_at=rest[3],
    )

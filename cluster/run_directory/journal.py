"""The journal of a search: every candidate, its outcomes, and the state of the evolution, in one SQLite file.

Outcomes and the state that they led to are written in one transaction. A process that is killed at any moment therefore
leaves both or neither. In WAL mode others can read while the search writes. A journal must not lie on a network file
system, because SQLite's locks do not work there.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import pydantic_core

from haemsa.cluster.run_directory.backup import backup_of, restore
from haemsa.cluster.run_directory.rows import JournalRow, RungOutcome, row_of
from haemsa.cluster.shared.files import replacing
from haemsa.evo.candidate import Candidate, Failure, Score
from haemsa.evo.checkpoint import scores_from_json, scores_to_json
from haemsa.model.spec.genome import Genome

FORMAT: Final = 2
_SCHEMA: Final = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS candidates(
    id INTEGER PRIMARY KEY, genome TEXT NOT NULL, key TEXT NOT NULL, parents TEXT NOT NULL, fidelity INTEGER NOT NULL,
    status TEXT NOT NULL, generation INTEGER, failure_kind TEXT, failure_message TEXT,
    seconds REAL, worker TEXT, asked_at REAL NOT NULL, ended_at REAL);
CREATE TABLE IF NOT EXISTS outcomes(
    id INTEGER NOT NULL, rung INTEGER NOT NULL, scores TEXT NOT NULL, seconds REAL, worker TEXT, ended_at REAL,
    PRIMARY KEY(id, rung));
CREATE TABLE IF NOT EXISTS confirmed(id INTEGER PRIMARY KEY, scores TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS state(key TEXT PRIMARY KEY, value TEXT NOT NULL);
PRAGMA user_version={version};
COMMIT;
"""


class Journal:
    """One open journal. Only one process may write. Others open it with `read_only`.

    Raises:
        ValueError: the file is no journal, or one of another format.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        if not read_only:
            restore(path)
        try:
            self._db = _connect(path, read_only)
        except sqlite3.Error as error:
            raise ValueError(f"{path} is no journal of a search that can be opened: {error}") from None

    def asked(self, candidates: Iterable[Candidate[Genome]], state: Mapping[str, Any] | None = None) -> None:
        """Note candidates that will be trained next, and the evolution's state after it gave them."""
        now = time.time()
        rows = [
            (new.id, new.genome.to_json(), new.genome.key, json.dumps(new.parents), new.rung, "asked", now)
            for new in candidates
        ]
        with self._transaction():
            self._db.executemany(
                "INSERT INTO candidates(id, genome, key, parents, fidelity, status, asked_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET fidelity = excluded.fidelity",
                rows,
            )
            self._write_state(state)

    def record(self, ended: Iterable[RungOutcome], state: Mapping[str, Any] | None = None) -> None:
        """Note outcomes, and the state that they led to, in one transaction.

        Raises:
            ValueError: a candidate has an outcome but was never asked for.
        """
        with self._transaction():
            for rung_outcome in ended:
                changed = self._db.execute(
                    "UPDATE candidates SET status = ?, generation = ?, failure_kind = ?, failure_message = ?, "
                    "seconds = COALESCE(seconds, 0) + ?, worker = ?, ended_at = ? WHERE id = ?",
                    _ended_values(rung_outcome),
                ).rowcount
                if changed != 1:
                    raise ValueError(f"candidate {rung_outcome.id} has an outcome but was never asked")
                if not isinstance(rung_outcome.outcome, Failure):
                    self._db.execute(
                        "INSERT OR REPLACE INTO outcomes(id, rung, scores, seconds, worker, ended_at) "
                        "VALUES (?, ?, ?, ?, ?, ?)",
                        _outcome_values(rung_outcome),
                    )
            self._write_state(state)

    def note(self, state: Mapping[str, Any]) -> None:
        """Change these keys of the state, where no candidate has an outcome."""
        with self._transaction():
            self._write_state(state)

    def confirm(self, scores: Mapping[int, Mapping[str, Score]]) -> None:
        """Note the confirmed scores of candidates, by id: those of networks trained again from scratch."""
        with self._transaction():
            rows = [(number, _scores_text(confirmed)) for number, confirmed in scores.items()]
            self._db.executemany("INSERT OR REPLACE INTO confirmed(id, scores) VALUES (?, ?)", rows)

    def forget_confirmed(self) -> None:
        """Remove all confirmed scores: the search goes on, so they no longer count."""
        with self._transaction():
            self._db.execute("DELETE FROM confirmed")

    def state(self) -> dict[str, Any]:
        """The last state that was written, by key. Empty if there is none."""
        with self._reading():
            return {key: json.loads(value) for key, value in self._db.execute("SELECT key, value FROM state")}

    def rows(self, ids: Iterable[int] | None = None) -> Iterator[JournalRow]:
        """Every candidate, by id. `ids`: only these."""
        which = "" if ids is None else f"WHERE id IN ({','.join(str(int(number)) for number in ids)})"
        with self._reading():
            yield from self._rows(which)

    def marks(self) -> dict[int, tuple[Any, ...]]:
        """By id, a mark of each candidate. A candidate with the same mark as before has the same row."""
        query = "SELECT id, fidelity, status, ended_at, confirmed.scores FROM candidates LEFT JOIN confirmed USING(id)"
        with self._reading():
            return {number: tuple(mark) for number, *mark in self._db.execute(query)}

    def workers(self) -> list[tuple[str, int, float, float]]:
        """Each worker with how many outcomes it gave, its seconds of training, and the time of its last outcome."""
        query = "SELECT worker, COUNT(*), SUM(seconds), MAX(ended_at) FROM outcomes GROUP BY worker ORDER BY worker"
        with self._reading():
            return self._db.execute(query).fetchall()

    def _rows(self, which: str) -> Iterator[JournalRow]:
        outcomes: dict[int, list[Mapping[str, Score]]] = {}
        times: dict[int, list[float]] = {}
        query = f"SELECT id, scores, ended_at FROM outcomes {which} ORDER BY id, rung"
        for number, scores, ended in self._db.execute(query):
            outcomes.setdefault(number, []).append(scores_from_json(json.loads(scores)))
            times.setdefault(number, []).append(ended)
        confirmed = dict(self._db.execute("SELECT id, scores FROM confirmed").fetchall())
        cursor = self._db.execute(
            "SELECT id, genome, key, parents, fidelity, status, generation, failure_kind, failure_message, "
            f"seconds, worker, asked_at, ended_at FROM candidates {which} ORDER BY id"
        )
        with closing(cursor):
            for values in cursor:
                number = values[0]
                yield row_of(values, outcomes.get(number, []), times.get(number, []), confirmed.get(number))

    def counts(self) -> dict[str, int]:
        """How many candidates are asked (pending), done and failed."""
        with self._reading():
            by_status = dict(self._db.execute("SELECT status, COUNT(*) FROM candidates GROUP BY status").fetchall())
        return {status: int(by_status.get(status, 0)) for status in ("asked", "done", "failed")}

    def back_up(self) -> None:
        """Copy the journal to a file next to it. The copy is complete at every moment."""
        with replacing(backup_of(self._path)) as temporary, closing(sqlite3.connect(temporary)) as copy:
            try:
                self._db.backup(copy)
            except sqlite3.OperationalError as error:
                raise OSError(f"the journal {self._path} cannot be copied: {error}") from None

    def close(self) -> None:
        """Close the file. Nothing more can be written."""
        self._db.close()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Damage becomes a ValueError with one sentence."""
        try:
            yield
        except (sqlite3.Error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"the journal {self._path} is damaged: {error!r}") from None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Everything in the block is written, or nothing. OSError: the disk is full or read-only."""
        try:
            with self._db:
                yield
        except sqlite3.OperationalError as error:
            raise OSError(f"the journal {self._path} cannot be written: {error}") from None

    def _write_state(self, state: Mapping[str, Any] | None) -> None:
        # this is written several times a second, and pydantic's JSON is four times as fast as Python's
        rows = [(key, pydantic_core.to_json(value).decode()) for key, value in (state or {}).items()]
        self._db.executemany("INSERT OR REPLACE INTO state(key, value) VALUES (?, ?)", rows)


def _connect(path: Path, read_only: bool) -> sqlite3.Connection:
    if not read_only:
        path.touch()  # with the permissions of the umask; SQLite itself never lets a group write
    try:
        db, version = _opened(path, "mode=ro" if read_only else "mode=rwc")
    except sqlite3.OperationalError:  # who may not write beside it can read it while nobody writes it
        if not read_only or path.with_name(path.name + "-wal").exists():
            raise
        db, version = _opened(path, "mode=ro&immutable=1")
    empty = not read_only and not version and not db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
    if version != FORMAT and not empty:
        db.close()
        raise ValueError(f"{path} has journal format {version}, this version reads {FORMAT}")
    if not read_only:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")  # a killed process loses nothing, and no outcome waits for the disk
        db.executescript(_SCHEMA.format(version=FORMAT))
    return db


def _opened(path: Path, how: str) -> tuple[sqlite3.Connection, int]:
    """A connection, and the format of the journal."""
    db = sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True, timeout=10)
    return db, int(db.execute("PRAGMA user_version").fetchone()[0])


def _ended_values(ended: RungOutcome) -> tuple[object, ...]:
    outcome = ended.outcome
    tail = (ended.seconds, ended.worker, time.time(), ended.id)
    if isinstance(outcome, Failure):
        return ("failed", ended.generation, outcome.kind, outcome.message, *tail)
    return ("done", ended.generation, None, None, *tail)


def _outcome_values(ended: RungOutcome) -> tuple[object, ...]:
    assert not isinstance(ended.outcome, Failure)
    return ended.id, ended.rung, _scores_text(ended.outcome), ended.seconds, ended.worker, time.time()


def _scores_text(outcome: Mapping[str, float | Score]) -> str:
    scores = {name: score if isinstance(score, Score) else Score(score) for name, score in outcome.items()}
    return json.dumps(scores_to_json(scores), allow_nan=False)

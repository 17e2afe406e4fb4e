"""A run directory that is read again and again while its search writes. What is known already is not read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from haemsa.cluster.report.history import Replay
from haemsa.cluster.report.page.parts import Workers
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.run_directory.run_directory import RunDirectory

_FILES: Final = ("journal.sqlite", "journal.sqlite-wal", "summary.json", "config.yaml", "search.log", "best/model.json")
_MANY: Final = 1000
"""If more candidates changed, all are read at once."""


class FollowedRun:
    """The search in a run directory, as it is now. It is only read, and its lock is never taken.

    Attributes:
        read_rows: how many candidates were read so far.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.read_rows = path, 0
        self._files: tuple[Any, ...] | None = None
        self._rows: dict[int, JournalRow] = {}
        self._marks: dict[int, tuple[Any, ...]] = {}
        self._replay = Replay()

    def changed(self) -> bool:
        """Whether a file of the run changed after this was asked last."""
        before, self._files = self._files, tuple(_stamp(self.path / name) for name in _FILES)
        return self._files != before

    def read(self) -> tuple[SearchRecord, Workers]:
        """The search and its workers.

        Raises:
            ValueError: the run directory holds no search, or is damaged.
        """
        with RunDirectory.open(self.path, read_only=True) as run:
            marks = run.journal.marks()
            new = [number for number, mark in marks.items() if self._marks.get(number) != mark]
            found = {row.id: row for row in run.journal.rows(new if len(new) <= _MANY else None)} if new else {}
            self.read_rows += len(found)
            known = {number: found.get(number) or self._rows[number] for number in sorted(marks)}
            self._rows, self._marks = known, marks
            return SearchRecord.read(run, tuple(known.values()), self._replay), run.journal.workers()


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes with a file. None: there is no file, or it is empty: who only reads a journal may leave one."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size) if status.st_size else None

"""The lock on a run directory: only one process writes there. A lock of SQLite's ends with its process."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

LOCK: Final = ".lock"
_GLANCE: Final = 0.5
"""Seconds that `locked` waits, because `in_use` holds a lock of its own for a moment."""


def locked(path: Path) -> sqlite3.Connection:
    """Lock the folder for this process, until the connection is closed.

    Raises:
        ValueError: Another process has locked it, or it cannot be written.
    """
    try:
        (path / LOCK).touch()  # with the permissions of the umask; SQLite itself never lets a group write
    except OSError as error:
        raise ValueError(f"run directory {path} cannot be written: {error.strerror}") from None
    lock = sqlite3.connect(path / LOCK, timeout=_GLANCE, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        lock.close()
        raise ValueError(f"run directory {path} is in use by another search that is still running") from None
    return lock


def in_use(path: Path) -> bool:
    """Whether a process has locked the folder. Nothing is written."""
    file = path / LOCK
    if not file.exists():
        return False
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=0)) as lock:
            lock.execute("SELECT * FROM sqlite_master")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode == sqlite3.SQLITE_BUSY
    return False

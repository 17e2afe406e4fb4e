"""A copy of a run directory that a search can be resumed from, made while the search runs.

It is for machines whose disks do not last. The copy may be on a network file system; a search itself must not write
there.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, NoReturn

from haemsa.cluster.shared.files import replacing

log = logging.getLogger(__name__)
JOURNAL: Final = "journal.sqlite"


def snapshot(run: Path, copy: Path) -> int:
    """Bring a copy of a run directory up to date. The search may run meanwhile.

    A search can be resumed from the copy at every moment: the journal is copied last and as a whole, and a candidate
    whose weights are missing is trained again.

    Args:
        run: the run directory.
        copy: the folder for the copy.

    Returns:
        How many files were written.

    Raises:
        ValueError: `run` holds no search.
        OSError: there is no room.

    Example:
        >>> snapshot(Path("runs/planted"), Path("/mnt/shared/planted"))  # doctest: +SKIP
    """
    if not (run / JOURNAL).is_file():
        raise ValueError(f"run directory {run} holds no search, expected a folder made by haemsa search")
    files = dict(_files(run))
    written = sum(_bring(run / name, copy / name, seen) for name, seen in files.items())
    _copy_journal(run / JOURNAL, copy / JOURNAL)
    for name, _ in list(_files(copy)):
        if name not in files:
            (copy / name).unlink(missing_ok=True)
    return written + 1


def keep_snapshot(run: Path, copy: Path, every: float) -> NoReturn:
    """Bring a copy up to date again and again, until the process is ended. Before a search begins, nothing is copied.

    Args:
        run: the run directory.
        copy: the folder for the copy.
        every: the pause between two copies, in seconds.

    Example:
        >>> keep_snapshot(Path("runs/planted"), Path("/mnt/shared/planted"), 300)  # doctest: +SKIP
    """
    while True:
        time.sleep(every)
        if (run / JOURNAL).is_file():
            try:
                snapshot(run, copy)
            except OSError as problem:  # the next copy may succeed
                log.warning("%s", problem)


def _files(folder: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """The path, size and time of every file, without the journal, locks and files that are half written."""
    for path in sorted(folder.rglob("*")):
        with suppress(FileNotFoundError):  # the search may remove weights meanwhile
            facts = path.stat()
            if path.is_file() and not path.name.startswith((".", "journal.")):
                yield str(path.relative_to(folder)), (facts.st_size, facts.st_mtime_ns)


def _bring(source: Path, target: Path, seen: tuple[int, int]) -> bool:
    """Copy one file if the target differs in size or time. Says whether it was copied."""
    if target.exists() and (target.stat().st_size, target.stat().st_mtime_ns) == seen:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError), replacing(target) as temporary:
        shutil.copy2(source, temporary)
        return True
    return False


def _copy_journal(source: Path, target: Path) -> None:
    """Copy the journal with SQLite's own backup, which works while the database is in use."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        temporary.touch()  # with the permissions of the umask; SQLite itself never lets a group write
        with (
            closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as journal,
            closing(sqlite3.connect(temporary)) as copy,
        ):
            try:
                journal.backup(copy)
                copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log next to it
            except sqlite3.Error as error:
                raise OSError(f"the journal {source} cannot be copied to {target}: {error}") from None

"""A copy of a run directory that a search can be resumed from, made while the search runs.

    python -m haemsa.cluster.run_directory.snapshot RUN COPY [--every SECONDS]

For machines whose disks do not last: the copy may lie on a network file system, where a search itself may not write.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from haemsa.cluster.shared.files import replacing

JOURNAL: Final = "journal.sqlite"


def snapshot(run: Path, copy: Path) -> int:
    """Bring `copy` up to date with `run`, which may be in use; returns how many files were written.

    At every instant the copy is one that can be resumed from: the journal comes last, whole, and a candidate whose
    weights are not there is trained again. Raises ValueError if `run` holds no search, OSError if there is no room.
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


def _files(folder: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """Every file but the journal's, what is half written, and locks: its path within the folder, size and time."""
    for path in sorted(folder.rglob("*")):
        with suppress(FileNotFoundError):  # a search prunes its weights meanwhile
            facts = path.stat()
            if path.is_file() and not path.name.startswith((".", "journal.")):
                yield str(path.relative_to(folder)), (facts.st_size, facts.st_mtime_ns)


def _bring(source: Path, target: Path, seen: tuple[int, int]) -> bool:
    """Copy one file if the target differs in size or time."""
    if target.exists() and (target.stat().st_size, target.stat().st_mtime_ns) == seen:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError), replacing(target) as temporary:
        shutil.copy2(source, temporary)
        return True
    return False


def _copy_journal(source: Path, target: Path) -> None:
    """SQLite's own copy of a database that is in use."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        replacing(target) as temporary,
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as journal,
        closing(sqlite3.connect(temporary)) as copy,
    ):
        try:
            journal.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        except sqlite3.Error as error:
            raise OSError(f"the journal {source} cannot be copied to {target}: {error}") from None


def main(arguments: list[str] | None = None) -> None:
    """Copy once, or again and again until the process is ended; before a search begins there is nothing to copy."""
    parser = argparse.ArgumentParser(
        prog="python -m haemsa.cluster.run_directory.snapshot", description=__doc__.splitlines()[0]
    )
    parser.add_argument("run", type=Path, help="the run directory")
    parser.add_argument("copy", type=Path, help="where its copy goes, or is")
    parser.add_argument("--every", type=float, metavar="SECONDS", help="go on, with so long a pause between copies")
    given = parser.parse_args(arguments)
    while given.every:
        time.sleep(given.every)
        if (given.run / JOURNAL).is_file():
            try:
                snapshot(given.run, given.copy)
            except OSError as problem:  # the next copy may go well
                print(f"snapshot: {problem}", file=sys.stderr, flush=True)
    print(f"{snapshot(given.run, given.copy)} files copied to {given.copy}")


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as problem:
        print(f"snapshot: {problem}", file=sys.stderr)
        raise SystemExit(2) from None

"""The copy of a journal: where it is, and how it replaces a journal that is damaged."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from haemsa.cluster.shared.files import replacing

log = logging.getLogger(__name__)


def backup_of(path: Path) -> Path:
    """Where the copy of a journal is."""
    return path.with_suffix(".backup.sqlite")


def restore(path: Path) -> None:
    """Replace a damaged journal by its last copy, with a warning. Nobody may have the journal open."""
    backup = backup_of(path)
    if not path.exists() or _is_whole(path) or not (backup.exists() and _is_whole(backup)):
        return
    log.warning("the journal %s is damaged; its last copy is used, what ended later is trained again", path)
    path.replace(path.with_suffix(".damaged.sqlite"))
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    with replacing(path) as temporary:
        shutil.copyfile(backup, temporary)


def _is_whole(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            made = database.execute("PRAGMA user_version").fetchone() != (0,)  # an empty file is a valid database
            return bool(made and database.execute("PRAGMA quick_check").fetchone() == ("ok",))
    except sqlite3.OperationalError:  # it cannot be read: opening it will raise that
        return True
    except sqlite3.DatabaseError:
        return False

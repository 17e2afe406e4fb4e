"""Users and permissions for tests, also where the tests are root's, who may read everything."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

NOBODY: Final = 65534


@contextmanager
def umask(value: int) -> Iterator[None]:
    """New files get the permissions that this umask leaves them, while the block runs."""
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def another_user() -> Iterator[None]:
    """While the block runs, root is an ordinary user to the system. Others stay who they are."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def mode(path: Path) -> str:
    """The permissions of a file or folder, such as -rw-r--r--."""
    return stat.filemode(path.stat().st_mode)


@contextmanager
def public_folder() -> Iterator[Path]:
    """A new folder that everybody can read, which pytest's own folders are not."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder

"""The folder of a search that the user gave no run directory: a new one, which no other search has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def reserved(base: Path) -> Iterator[Path]:
    """Make a new folder: `base`, or `base` with a number. When the block ends, it goes again if it is still empty.

    Raises:
        ValueError: The folder cannot be made.

    Example:
        >>> with reserved(Path("runs/planted")) as path:  # doctest: +SKIP
        ...     run = RunDirectory.create(path, config, facts)
    """
    made = [] if base.parent.exists() else [base.parent]
    path = _new_folder(base)
    try:
        yield path
    finally:
        for folder in (path, *made):
            with suppress(OSError):  # something is in it
                folder.rmdir()


def _new_folder(base: Path) -> Path:
    """The first of base, base-2, base-3 ... that could be made. To make it is to take it: no two searches get one."""
    number = 1
    while True:
        path = base if number == 1 else base.with_name(f"{base.name}-{number}")
        try:
            base.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _cannot(base.parent, error) from None
        try:
            path.mkdir()
            return path
        except FileExistsError:
            number += 1
        except FileNotFoundError:  # another search removed the empty parent just now
            continue
        except OSError as error:
            raise _cannot(path, error) from None


def _cannot(path: Path, error: OSError) -> ValueError:
    return ValueError(f"run directory {path} cannot be made: {error.strerror}")

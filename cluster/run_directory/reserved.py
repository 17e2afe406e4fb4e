"""The folder of a new search: the one that the user named, or a new one that no other search has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from haemsa.cluster.run_directory.run_directory import RunDirectory


def vacant(run: str | None, name: str) -> AbstractContextManager[Path]:
    """The run directory of a new search: the one that was named, or runs/NAME with a number.

    Raises:
        ValueError: The folder holds something already, or it cannot be made.
    """
    if run:
        RunDirectory.check_vacant(Path(run))
        return nullcontext(Path(run))
    if not name or Path(name).name != name or name.startswith("."):
        raise ValueError(f"name is {name!r}, expected one that can be a folder's")
    return reserved(Path("runs") / name)


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

"""The folder of a result: a command never writes over a result of something else without being told to."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, count
from pathlib import Path


def result_folder(
    out: Path | None, default: Path, holds_another: Callable[[Path], bool], what: str, *, force: bool = False
) -> Path:
    """Where a result goes: `out`, or the first of default, default-2, default-3 ... that holds no other result.

    Args:
        out: the folder that was asked for. None: none was.
        default: the folder if none was asked for.
        holds_another: whether a folder holds a result of something else.
        what: the name of such a result, such as "model".
        force: write over any result.

    Raises:
        ValueError: `out` holds another result, and `force` is not given.

    Example:
        >>> result_folder(None, Path("models/mine"), lambda folder: folder.name == "mine", "model").as_posix()
        'models/mine-2'
    """
    if force or (out is not None and not holds_another(out)):
        return default if out is None else out
    if out is not None:
        raise ValueError(f"folder {out} holds another {what}, expected a new folder, or --force to replace it")
    numbered = (default.with_name(f"{default.name}-{number}") for number in count(2))
    return next(folder for folder in chain([default], numbered) if not holds_another(folder))

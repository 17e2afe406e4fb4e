"""Files that are either old or new, never half written; and JSON that any reader accepts."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydantic_core


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path next to `path`. It replaces `path` when the block ends without an error."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text: the file has the old text or the whole new one."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def to_json(value: object, *, indent: int | None = None) -> str:
    """Strict JSON. Numbers that are not finite become null, numpy scalars and arrays plain values, paths text.

    Raises:
        ValueError: A value has no form in JSON.

    Example:
        >>> to_json({"loss": float("nan"), "path": Path("runs")})
        '{"loss":null,"path":"runs"}'
    """
    return pydantic_core.to_json(value, indent=indent, inf_nan_mode="null", fallback=_plain).decode()


def write_json(path: Path, value: object) -> None:
    """Write a value as `to_json` has it, indented. The file is never half written."""
    write_text(path, to_json(value, indent=2) + "\n")


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table with a column for every key, in the order in which keys appear. Missing values are empty."""
    rows = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, dict.fromkeys(key for row in rows for key in row), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _plain(value: Any) -> Any:
    """A value of another kind than those of JSON, as one of them."""
    if hasattr(value, "tolist"):  # numpy
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")

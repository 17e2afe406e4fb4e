"""Files that are either old or new, never half written; and JSON that any reader accepts."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


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

    Example:
        >>> to_json({"loss": float("nan"), "path": Path("runs")})
        '{"loss": null, "path": "runs"}'
    """
    options: dict[str, Any] = {"indent": indent, "allow_nan": False, "ensure_ascii": False}
    try:
        return json.dumps(value, default=_plain, **options)  # several times faster than `_plain` of the whole value
    except (TypeError, ValueError):  # a key or a number that JSON does not have
        return json.dumps(_plain(value), **options)


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
    if hasattr(value, "tolist"):  # numpy
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value

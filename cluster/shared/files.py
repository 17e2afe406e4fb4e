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
    """A temporary path beside `path`, which takes its place when the block ends well."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text at once."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def to_json(value: object, *, indent: int | None = None) -> str:
    """Strict JSON: numbers that are not finite become null, numpy scalars and arrays plain, paths text."""
    given: dict[str, Any] = {"indent": indent, "allow_nan": False, "ensure_ascii": False}
    try:
        return json.dumps(value, default=_plain, **given)  # several times as fast as to go through it all
    except (TypeError, ValueError):  # a key or a number that JSON does not have
        return json.dumps(_plain(value), **given)


def write_json(path: Path, value: object) -> None:
    """Write `to_json` at once, indented."""
    write_text(path, to_json(value, indent=2) + "\n")


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """A table with a column for every key, in the order in which they first come; empty where a row has none."""
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

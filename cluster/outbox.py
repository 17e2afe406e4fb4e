"""Records that wait in a run directory until they were sent: one JSON file each, numbered in order."""

from __future__ import annotations

import json
import logging
import math
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from cluster.files import write_json
from cluster.tracking import GenerationEnded, ModelTrained, Record, SearchEnded, SearchStarted

log = logging.getLogger(__name__)
_KINDS: Final[dict[str, Any]] = {
    kind.__name__: kind for kind in (SearchStarted, GenerationEnded, ModelTrained, SearchEnded)
}
_PATHS: Final = ("model_dir", "run_dir")
_SEARCH: Final = "search.json"


class Outbox:
    """The folder outbox/ of a run directory. It is made with the first record."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._last = 0

    def put(self, record: Record) -> None:
        """Add a record behind all others."""
        self.folder.mkdir(exist_ok=True)
        if isinstance(record, SearchStarted):
            write_json(self.folder / _SEARCH, _to_json(record))
        self._last = 1 + max([self._last, *(int(path.stem) for path in self.waiting())])
        write_json(self.folder / f"{self._last:06d}.json", _to_json(record))

    def waiting(self) -> list[Path]:
        """Files of the records that were not sent yet, first one first. Each is removed by who sent it."""
        return sorted(path for path in self.folder.glob("*.json") if path.stem.isdecimal())

    def search(self) -> SearchStarted | None:
        """The search that all records are of; None if nothing was ever put here."""
        path = self.folder / _SEARCH
        found = self.read(path) if path.exists() else None
        return found if isinstance(found, SearchStarted) else None

    def read(self, path: Path) -> Record | None:
        """The record in a file; None, with a warning, if it is damaged: it is set aside then."""
        try:
            return _from_json(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning("the record %s is damaged and left out: %s", path, error)
            path.rename(path.with_suffix(".damaged"))
            return None


def _to_json(record: Record) -> dict[str, Any]:
    return {"kind": type(record).__name__, **{item.name: getattr(record, item.name) for item in fields(record)}}


def _from_json(found: Any) -> Record:
    kind = _KINDS[found.pop("kind")]
    paths = {name: Path(found[name]) for name in _PATHS if found.get(name) is not None}
    if kind is ModelTrained and found["score"] is None:  # JSON has no NaN
        found["score"] = math.nan
    record: Record = kind(**{**found, **paths})
    return record

"""Records that wait in a run directory until they were sent: one JSON file each, numbered in order."""

from __future__ import annotations

import json
import logging
import math
import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from haemsa.cluster.shared.files import to_json, write_text
from haemsa.cluster.tracking.records import (
    Draw,
    GenerationEnded,
    ModelTrained,
    Record,
    SearchEnded,
    SearchStarted,
    Sink,
)

log = logging.getLogger(__name__)
_KINDS: Final[dict[str, Any]] = {
    kind.__name__: kind for kind in (SearchStarted, GenerationEnded, ModelTrained, SearchEnded)
}
_PATHS: Final = ("model_dir", "run_dir", "pictures")
_SEARCH: Final = "search.json"


class Outbox:
    """The folder outbox/ of a run directory. It is made with the first record."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._last = 0

    @classmethod
    def of(cls, run: Path) -> Outbox:
        """That of a run directory."""
        return cls(run / "outbox")

    def put(self, record: Record, draw: Draw | None = None) -> Path:
        """Add a record behind all others; a model is copied, as its place will be another's. Returns its file.

        `draw` puts the pictures that belong to the record into a folder that it makes.
        """
        self.folder.mkdir(exist_ok=True)
        if isinstance(record, SearchStarted):
            write_text(self.folder / _SEARCH, _to_json(record))
        self._last = 1 + max([self._last, *(int(path.stem) for path in self.waiting())])
        path = self.folder / f"{self._last:06d}.json"
        if isinstance(record, ModelTrained):
            shutil.copytree(record.model_dir, _folder_of(path), dirs_exist_ok=True)
        if draw is not None:
            draw(_folder_of(path))
        write_text(path, _to_json(record))
        return path

    def send(self, path: Path, sink: Sink) -> str | None:
        """Send the record in a file, unless it is damaged; returns a model's address. Raises whatever the sink does."""
        record = self.read(path)
        return sink.send(record) if record is not None else None

    def remove(self, path: Path) -> None:
        """Forget a record that was sent."""
        path.unlink(missing_ok=True)
        shutil.rmtree(_folder_of(path), ignore_errors=True)

    def waiting(self) -> list[Path]:
        """Files of the records that were not sent yet, first one first. Who sends one, removes it."""
        return sorted(path for path in self.folder.glob("*.json") if path.stem.isdecimal())

    def search(self) -> SearchStarted | None:
        """The search that all records are of; None if nothing was ever put here. ValueError if it is damaged."""
        path = self.folder / _SEARCH
        if not path.exists():
            return None
        found = self.read(path)
        if not isinstance(found, SearchStarted):
            raise ValueError(f"{path} is damaged, so that what waits beside it cannot be sent")
        return found

    def read(self, path: Path) -> Record | None:
        """The record in a file; None, with a warning, if it is damaged: it is set aside then."""
        try:
            record, folder = _from_json(json.loads(path.read_text(encoding="utf-8"))), _folder_of(path)
            if isinstance(record, ModelTrained):
                return replace(record, model_dir=folder)
            if isinstance(record, SearchEnded) and folder.exists():
                return replace(record, pictures=folder)
            return record
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning("the record %s is damaged and left out: %s", path, error)
            path.rename(path.with_suffix(".damaged"))
            return None


def _folder_of(path: Path) -> Path:
    """Where the model, or the pictures, of the record in a file lie."""
    return path.with_suffix(".files")


def _to_json(record: Record) -> str:
    found = {item.name: getattr(record, item.name) for item in fields(record)}
    return to_json({"kind": type(record).__name__, **found})


def _from_json(found: Any) -> Record:
    kind = _KINDS[found.pop("kind")]
    paths = {name: Path(found[name]) for name in _PATHS if found.get(name) is not None}
    if kind is ModelTrained and found["score"] is None:  # JSON has no NaN
        found["score"] = math.nan
    record: Record = kind(**{**found, **paths})
    return record

"""Records that wait in a run directory until they are sent: one JSON file for each, numbered in order."""

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
    """The folder outbox/ of a run directory. The first record makes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._last = 0

    @classmethod
    def of(cls, run: Path) -> Outbox:
        """The outbox of a run directory."""
        return cls(run / "outbox")

    def put(self, record: Record, draw: Draw | None = None) -> Path:
        """Add a record after all others.

        Args:
            record: the record. A model is copied, because its folder will hold another model later.
            draw: makes a folder with the pictures that belong to the record.

        Returns:
            The file of the record.
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
        """Send the record in a file, unless it is damaged. Returns the address of a model. Errors are the sink's."""
        record = self.read(path)
        return sink.send(record) if record is not None else None

    def remove(self, path: Path) -> None:
        """Remove a record that was sent."""
        path.unlink(missing_ok=True)
        shutil.rmtree(_folder_of(path), ignore_errors=True)

    def waiting(self) -> list[Path]:
        """The files of the records that were not sent yet, in order. The sender removes each file."""
        return sorted(path for path in self.folder.glob("*.json") if path.stem.isdecimal())

    def search(self) -> SearchStarted | None:
        """The search that all records belong to. None if there never was a record.

        Raises:
            ValueError: the description of the search is damaged.
        """
        path = self.folder / _SEARCH
        if not path.exists():
            return None
        record = self.read(path)
        if not isinstance(record, SearchStarted):
            raise ValueError(f"{path} is damaged, so that what waits beside it cannot be sent")
        return record

    def read(self, path: Path) -> Record | None:
        """The record in a file. A damaged file is set aside with a warning; then there is None."""
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
    """The folder of the model, or of the pictures, that belong to the record in a file."""
    return path.with_suffix(".files")


def _to_json(record: Record) -> str:
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return to_json({"kind": type(record).__name__, **values})


def _from_json(values: Any) -> Record:
    kind = _KINDS[values.pop("kind")]
    paths = {name: Path(values[name]) for name in _PATHS if values.get(name) is not None}
    if kind is ModelTrained and values["score"] is None:  # JSON has no NaN
        values["score"] = math.nan
    record: Record = kind(**{**values, **paths})
    return record

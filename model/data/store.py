"""Data sets as HDF5 files: numbers and text only, no pickles, and nothing that points outside the file.

- /modalities/<name>/features float32 [N, T, D], lengths int64 [N]
- /tasks/<name>/targets, with attributes kind, labels, bounds
- /splits/<train|valid|test> int64
- /ids and /notes text, /groups int64 [N]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from model.data.dataset import Dataset, Modality, Task

FORMAT: Final = "haemsa dataset"
VERSION: Final = 1
_INFLATION: Final = 1100
"""No file deflates further than 1,032 to 1: a claim of more would only fill the memory."""


def write(dataset: Dataset, path: Path) -> None:
    """Write `dataset` to `path`, replacing what is there once all of it is written."""
    unfinished = path.with_name(path.name + ".part")
    try:
        with h5py.File(unfinished, "w", track_order=True) as file:
            _write(dataset, file)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read(path: Path) -> Dataset:
    """Read what `write` wrote; the name is the file's stem. Raises ValueError, one sentence, for anything else."""
    try:
        with h5py.File(path, "r", track_order=True) as file:
            if file.attrs.get("format") != FORMAT:
                raise ValueError("it is not a haemsa data set")
            if file.attrs.get("version") != VERSION:
                raise ValueError(f"its format version is {file.attrs.get('version')}, this version reads {VERSION}")
            return _Reader(file, path.stat().st_size).dataset(path.stem)
    except FileNotFoundError:
        raise FileNotFoundError(f"data '{path}' does not exist") from None
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error.args[0] if error.args else error).split())[:200]
        raise ValueError(f"{path} cannot be read: {reason}") from None


def _write(dataset: Dataset, file: Any) -> None:
    file.attrs.update(format=FORMAT, version=VERSION)
    modalities = file.create_group("modalities", track_order=True)
    for name, modality in dataset.modalities.items():
        group = modalities.create_group(name)
        rows = max(1, min(len(dataset), 2**18 // max(1, modality.steps * modality.width)))
        chunks = (rows, modality.steps, modality.width)
        group.create_dataset("features", data=modality.features, chunks=chunks, compression="gzip", compression_opts=1)
        group["lengths"] = modality.lengths
    tasks = file.create_group("tasks", track_order=True)
    for name, task in dataset.tasks.items():
        group = tasks.create_group(name)
        group["targets"] = task.targets
        group.attrs["kind"] = task.kind
        group.attrs.create("labels", list(task.labels), dtype=h5py.string_dtype(), shape=(len(task.labels),))
        if task.bounds is not None:
            group.attrs["bounds"] = task.bounds
    splits = file.create_group("splits", track_order=True)
    for name, indices in dataset.splits.items():
        splits[name] = indices
    file["groups"] = dataset.groups
    for name, lines in (("ids", dataset.ids), ("notes", dataset.notes)):
        file.create_dataset(name, data=list(lines), dtype=h5py.string_dtype(), shape=(len(lines),))


class _Reader:
    """Reads one open file, following hard links only."""

    def __init__(self, file: Any, size: int) -> None:
        self._file, self._limit = file, size * _INFLATION

    def dataset(self, name: str) -> Dataset:
        return Dataset(
            name=name,
            modalities={key: self._modality(f"modalities/{key}") for key in self._group("modalities")},
            tasks={key: self._task(f"tasks/{key}") for key in self._group("tasks")},
            splits={key: self._array(f"splits/{key}", np.int64) for key in self._group("splits")},
            ids=self._text("ids"),
            groups=self._array("groups", np.int64),
            notes=self._text("notes"),
        )

    def _modality(self, path: str) -> Modality:
        features, lengths = f"{path}/features", f"{path}/lengths"
        return Modality(self._array(features, np.float32), self._array(lengths, np.int64))

    def _task(self, path: str) -> Task:
        attributes = self._group(path).attrs
        kind = attributes["kind"]
        targets = self._array(f"{path}/targets", np.int64 if kind == "classes" else np.float32)
        labels = tuple(str(label) for label in attributes["labels"])
        if "bounds" not in attributes:
            return Task(kind, targets, labels)
        low, high = attributes["bounds"]
        return Task(kind, targets, labels, (float(low), float(high)))

    def _array(self, path: str, dtype: type[Any]) -> NDArray[Any]:
        found = self._data(path)
        if found.dtype != dtype:
            raise ValueError(f"{path!r} holds {found.dtype}, expected {np.dtype(dtype)}")
        return np.asarray(found[()])

    def _text(self, path: str) -> tuple[str, ...]:
        found = self._data(path)
        if h5py.check_string_dtype(found.dtype) is None or found.ndim != 1:
            raise ValueError(f"{path!r} holds {found.dtype}, expected a list of text")
        return tuple(found.asstr()[()])

    def _data(self, path: str) -> Any:
        found = self._item(path)
        if not isinstance(found, h5py.Dataset):
            raise ValueError(f"{path!r} is a group, expected an array")
        if found.is_virtual or found.external:
            raise ValueError(f"{path!r} keeps its content in another file, expected all in one")
        if found.size is None or found.size * found.dtype.itemsize > self._limit:
            raise ValueError(f"{path!r} claims the shape {found.shape}, more than the file can hold")
        return found

    def _group(self, path: str) -> Any:
        found = self._item(path)
        if not isinstance(found, h5py.Group):
            raise ValueError(f"{path!r} is not a group, expected one")
        return found

    def _item(self, path: str) -> Any:
        found: Any = self._file
        for part in path.split("/"):
            link = found.get(part, getlink=True) if isinstance(found, h5py.Group) else None
            if link is None:
                raise ValueError(f"{path!r} is missing")
            if not isinstance(link, h5py.HardLink):
                raise ValueError(f"{path!r} links to another place, expected all in one file")
            found = found[part]
        return found

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
from model.data.hdf5 import SafeGroup, one_sentence

FORMAT: Final = "haemsa dataset"
VERSION: Final = 1


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
    if not path.exists():
        raise FileNotFoundError(f"data '{path}' does not exist")
    with one_sentence(f"{path} cannot be read: "), h5py.File(path, "r", track_order=True) as file:
        if file.attrs.get("format") != FORMAT:
            raise ValueError("it is not a haemsa data set")
        if file.attrs.get("version") != VERSION:
            raise ValueError(f"its format version is {file.attrs.get('version')}, this version reads {VERSION}")
        return _Reader(SafeGroup(file, path.stat().st_size)).dataset(path.stem)


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
    """Reads one open file."""

    def __init__(self, file: SafeGroup) -> None:
        self._file = file

    def dataset(self, name: str) -> Dataset:
        return Dataset(
            name=name,
            modalities={key: self._modality(f"modalities/{key}") for key in self._file.group("modalities").names()},
            tasks={key: self._task(f"tasks/{key}") for key in self._file.group("tasks").names()},
            splits={key: self._array(f"splits/{key}", np.int64) for key in self._file.group("splits").names()},
            ids=self._text("ids"),
            groups=self._array("groups", np.int64),
            notes=self._text("notes"),
        )

    def _modality(self, path: str) -> Modality:
        features, lengths = f"{path}/features", f"{path}/lengths"
        return Modality(self._array(features, np.float32), self._array(lengths, np.int64))

    def _task(self, path: str) -> Task:
        attributes = self._file.group(path).attributes
        kind = attributes["kind"]
        targets = self._array(f"{path}/targets", np.int64 if kind == "classes" else np.float32)
        labels = tuple(str(label) for label in attributes["labels"])
        if "bounds" not in attributes:
            return Task(kind, targets, labels)
        low, high = attributes["bounds"]
        return Task(kind, targets, labels, (float(low), float(high)))

    def _array(self, path: str, dtype: type[Any]) -> NDArray[Any]:
        found = self._file.array(path)
        if found.dtype != dtype:
            raise ValueError(f"{path!r} holds {found.dtype}, expected {np.dtype(dtype)}")
        return np.asarray(found[()])

    def _text(self, path: str) -> tuple[str, ...]:
        found = self._file.array(path)
        if h5py.check_string_dtype(found.dtype) is None or found.ndim != 1:
            raise ValueError(f"{path!r} holds {found.dtype}, expected a list of text")
        return tuple(found.asstr()[()])

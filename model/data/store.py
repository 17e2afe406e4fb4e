"""Data sets as HDF5 files: numbers and text only, no pickles, and nothing that points outside the file.

- /modalities/<name>/features float32 or float16 [N, T, D], lengths int64 [N]
- /tasks/<name>/targets, with attributes kind, labels, bounds
- /splits/<train|valid|test> int64
- /ids and /notes text, /groups int64 [N]
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from model.data.dataset import Dataset, Modality, Task
from model.data.hdf5 import SafeGroup, one_sentence
from model.data.steps import blocks
from model.data.stored import StoredFeatures

FORMAT: Final = "haemsa dataset"
VERSION: Final = 1
_CHUNK: Final = 2**14  # cells
_SHARE: Final = 8
"""Features that would take more than this part of the memory are streamed: a search holds several copies of them."""


def write(dataset: Dataset, path: Path, *, half: bool = False) -> None:
    """Write `dataset` to `path`, replacing what is there once all of it is written.

    `half`: features as float16, in half the space. Raises ValueError for one that float16 cannot hold.
    """
    unfinished = path.with_name(path.name + ".part")
    try:
        with h5py.File(unfinished, "w", track_order=True) as file:
            _write(dataset, file, np.float16 if half else np.float32)
        fingerprint = read(unfinished, stream=True).fingerprint
        with h5py.File(unfinished, "r+") as file:
            file.attrs["fingerprint"] = fingerprint
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read(path: Path, *, stream: bool | None = None) -> Dataset:
    """Read what `write` wrote; the name is the file's stem. Raises ValueError, one sentence, for anything else.

    `stream`: leave features in the file until they are needed; None: where they would fill too much of the memory.
    """
    if not path.exists():
        raise FileNotFoundError(f"data '{path}' does not exist")
    with one_sentence(f"{path} cannot be read: "), h5py.File(path, "r", track_order=True) as file:
        if file.attrs.get("format") != FORMAT:
            raise ValueError("it is not a haemsa data set")
        if file.attrs.get("version") != VERSION:
            raise ValueError(f"its format version is {file.attrs.get('version')}, this version reads {VERSION}")
        return _Reader(SafeGroup(file, path.stat().st_size), path, stream=stream).dataset(path.stem)


def _write(dataset: Dataset, file: Any, dtype: type[np.floating[Any]]) -> None:
    file.attrs.update(format=FORMAT, version=VERSION)
    modalities = file.create_group("modalities", track_order=True)
    for name, modality in dataset.modalities.items():
        group = modalities.create_group(name)
        _write_features(name, modality, group, dtype)
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


def _write_features(name: str, modality: Modality, group: Any, dtype: type[np.floating[Any]]) -> None:
    """In chunks of few samples, since training reads samples in any order."""
    shape = modality.features.shape
    chunks = (max(1, min(shape[0], _CHUNK // (shape[1] * shape[2]))), *shape[1:])
    data = group.create_dataset("features", shape, dtype, chunks=chunks, compression="gzip", compression_opts=1)
    for block in blocks(shape):
        features = modality.features[block]
        largest = float(np.abs(features).max(initial=0))
        if largest > float(np.finfo(dtype).max):
            raise ValueError(f"modality {name!r} has a feature of {largest:g}, more than {np.dtype(dtype)} can hold")
        data[block] = features


class _Reader:
    """Reads one open file."""

    def __init__(self, file: SafeGroup, path: Path, *, stream: bool | None) -> None:
        self._file, self._path = file, path
        self._stream = self._size() > _memory() / _SHARE if stream is None else stream

    def dataset(self, name: str) -> Dataset:
        found = Dataset(
            name=name,
            modalities={key: self._modality(f"modalities/{key}") for key in self._file.group("modalities").names()},
            tasks={key: self._task(f"tasks/{key}") for key in self._file.group("tasks").names()},
            splits={key: self._array(f"splits/{key}", np.int64) for key in self._file.group("splits").names()},
            ids=self._text("ids"),
            groups=self._array("groups", np.int64),
            notes=self._text("notes"),
        )
        fingerprint = self._file.attributes.get("fingerprint")
        if self._stream and isinstance(fingerprint, str):  # to compute it again would take minutes
            found.__dict__["fingerprint"] = fingerprint
        return found

    def _size(self) -> int:
        """Bytes of all features in memory."""
        names = self._file.group("modalities").names()
        return sum(4 * math.prod(self._file.array(f"modalities/{name}/features").shape) for name in names)

    def _modality(self, path: str) -> Modality:
        place, lengths = f"{path}/features", self._array(f"{path}/lengths", np.int64)
        found = self._file.array(place)
        if found.dtype not in (np.float32, np.float16) or found.ndim != 3 or len(found) != len(lengths):
            shape = f"{found.dtype} {list(found.shape)}"
            raise ValueError(f"{place!r} holds {shape}, expected float32 or float16 [{len(lengths)}, T, D]")
        if self._stream:
            rows = np.arange(len(lengths))
            return Modality(StoredFeatures(self._path.resolve(), place, found.shape, rows, lengths), lengths)
        return Modality(found.astype(np.float32)[()], lengths)

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


def _memory() -> int:
    """Bytes of this machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

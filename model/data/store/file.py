"""Data sets as HDF5 files. They hold numbers and text, no pickles, and nothing that points outside the file.

- /modalities/<name>/features float32 or float16 [N, T, D], lengths int64 [N], and columns, the names of the features,
  if they are known; with the attributes digest, and constant, which is uint8 [D], 1 where a column never changes in
  training
- /tasks/<name>/targets, with attributes kind, labels, bounds
- /splits/<train|valid|test> int64
- /ids and /notes text, /groups int64 [N]
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.cleaning import constant_columns, useful
from haemsa.model.data.dataset import Dataset, Modality, Task
from haemsa.model.data.steps import blocks, step_mask
from haemsa.model.data.store.float16 import Rounding
from haemsa.model.data.store.hdf5 import SafeGroup, one_sentence
from haemsa.model.data.streamed import StoredFeatures, version_of

FORMAT: Final = "haemsa dataset"
VERSION: Final = 1
_CGROUP: Final = Path("/sys/fs/cgroup")
_CHUNK: Final = 2**14
"""About how many numbers are stored, and compressed, as one piece."""
_SHARE: Final = 8
"""Features that need more than one part in eight of the memory are streamed: a search holds several copies of them."""


def write(dataset: Dataset, path: Path, *, half: bool = False) -> None:
    """Write a data set to an HDF5 file.

    Args:
        dataset: What is written.
        path: The file. What is there is replaced only once all is written.
        half: Keep features as float16, in half the space.

    Raises:
        ValueError: float16 cannot hold a feature, or cannot tell the values of a column apart.

    Example:
        >>> import tempfile
        >>> from haemsa.model.data.builtin.planted import planted
        >>> data = planted(sizes=(20, 10, 10))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write(data, Path(folder) / "mine.h5")
        ...     copy = read(Path(folder) / "mine.h5")
        >>> copy.name, copy.fingerprint == data.fingerprint
        ('mine', True)
    """
    unfinished = path.with_name(path.name + ".part")
    try:
        with h5py.File(unfinished, "w", track_order=True) as file:
            _write(dataset, file, np.float16 if half else np.float32)
        attributes_of = {  # no stream stays, because it keeps the file open
            name: _attributes(stream, dataset) for name, stream in _read(unfinished, stream=True).modalities.items()
        }
        with h5py.File(unfinished, "r+") as file:
            for name, attributes in attributes_of.items():
                file[f"modalities/{name}"].attrs.update(attributes)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read(path: Path, *, stream: bool | None = None) -> Dataset:
    """Read an HDF5 file that `write` wrote.

    A modality that is absent or constant in training is left out, with a note.

    Args:
        path: The file. The data has the name of its stem.
        stream: Whether features stay in the file until they are needed; None: if they would fill much of the memory.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no store, is damaged, or is of another version. The message is one sentence.
    """
    dataset = _read(path, stream=stream)
    if "train" not in dataset.splits:
        return dataset
    constant = {name: modality.__dict__.get("constant") for name, modality in dataset.modalities.items()}
    return useful(dataset, constant)


def _read(path: Path, *, stream: bool | None) -> Dataset:
    if not path.exists():
        raise FileNotFoundError(f"data '{path}' does not exist")
    with one_sentence(f"{path} cannot be read: "), h5py.File(path, "r", track_order=True) as file:
        if file.attrs.get("format") != FORMAT:
            raise ValueError("it is not a haemsa data set")
        if file.attrs.get("version") != VERSION:
            raise ValueError(f"its format version is {file.attrs.get('version')}, this version reads {VERSION}")
        return _Reader(SafeGroup(file, path.stat().st_size), path, stream=stream).dataset(path.stem)


def _attributes(modality: Modality, dataset: Dataset) -> dict[str, Any]:
    """The attributes of a modality, which only a pass over all its features can tell."""
    train = dataset.splits.get("train", np.arange(len(dataset)))
    return {"digest": modality.digest, "constant": constant_columns(modality, train).astype(np.uint8)}


def _write(dataset: Dataset, file: Any, dtype: type[np.floating[Any]]) -> None:
    file.attrs.update(format=FORMAT, version=VERSION)
    modalities = file.create_group("modalities", track_order=True)
    for name, modality in dataset.modalities.items():
        group = modalities.create_group(name)
        _write_features(name, modality, group, dtype)
        group["lengths"] = modality.lengths
        if modality.columns:
            _write_text(group, "columns", modality.columns)
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
    _write_text(file, "ids", dataset.ids)
    _write_text(file, "notes", dataset.notes)


def _write_text(group: Any, name: str, lines: Sequence[str]) -> None:
    group.create_dataset(name, data=list(lines), dtype=h5py.string_dtype(), shape=(len(lines),))


def _write_features(name: str, modality: Modality, group: Any, dtype: type[np.floating[Any]]) -> None:
    """Write features in chunks of few samples, because training reads samples in any order."""
    shape = modality.features.shape
    chunks = (max(1, min(shape[0], _CHUNK // (shape[1] * shape[2]))), *shape[1:])
    data = group.create_dataset("features", shape, dtype, chunks=chunks, compression="gzip", compression_opts=1)
    rounding = Rounding(name, shape[2])
    for block in blocks(shape):
        features = modality.features[block]
        if dtype is np.float16:
            rounding.check(features[step_mask(modality.lengths[block], shape[1])])
        data[block] = features
    rounding.end()


class _Reader:
    """Reads one open file."""

    def __init__(self, file: SafeGroup, path: Path, *, stream: bool | None) -> None:
        self._file, self._path = file, path
        self._stream = self._size() > _memory() / _SHARE if stream is None else stream

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

    def _size(self) -> int:
        """Bytes of all features in memory."""
        names = self._file.group("modalities").names()
        return sum(4 * math.prod(self._file.array(f"modalities/{name}/features").shape) for name in names)

    def _modality(self, path: str) -> Modality:
        place, lengths = f"{path}/features", self._array(f"{path}/lengths", np.int64)
        array = self._file.array(place)
        if array.dtype not in (np.float32, np.float16) or array.ndim != 3 or len(array) != len(lengths):
            form = f"{array.dtype} {list(array.shape)}"
            raise ValueError(f"{place!r} holds {form}, expected float32 or float16 [{len(lengths)}, T, D]")
        columns = self._text(f"{path}/columns") if "columns" in self._file.group(path).names() else ()
        if not self._stream:
            return Modality(array.astype(np.float32)[()], lengths, columns)
        version, rows = version_of(self._path), np.arange(len(lengths))
        stored = StoredFeatures(self._path.resolve(), version, place, array.shape, rows, lengths)
        modality = Modality(stored, lengths, columns)
        attributes = self._file.group(path).attributes
        digest, constant = attributes.get("digest"), attributes.get("constant")
        if isinstance(digest, str) and np.shape(constant) == array.shape[2:]:  # computing them takes minutes
            modality.__dict__.update(digest=digest, constant=np.asarray(constant) > 0)
        return modality

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
        array = self._file.array(path)
        if array.dtype != dtype:
            raise ValueError(f"{path!r} holds {array.dtype}, expected {np.dtype(dtype)}")
        return np.asarray(array[()])

    def _text(self, path: str) -> tuple[str, ...]:
        array = self._file.array(path)
        if h5py.check_string_dtype(array.dtype) is None or array.ndim != 1:
            raise ValueError(f"{path!r} holds {array.dtype}, expected a list of text")
        return tuple(array.asstr()[()])


def _memory() -> int:
    """The bytes of memory that this process may use: those of the machine, or of its control group."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # "max": no limit
            limits.append(int((_CGROUP / name).read_text()))
    return min(limits)

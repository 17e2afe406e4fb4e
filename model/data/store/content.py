"""What an HDF5 store holds, read from an open file."""

from __future__ import annotations

import contextlib
import json
import math
import os
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.dataset import Dataset, Modality, Task
from haemsa.model.data.samples import Samples, split_names
from haemsa.model.data.steps import blocks
from haemsa.model.data.store import padded, values
from haemsa.model.data.store.hdf5 import SafeGroup
from haemsa.model.data.streamed import StoredFeatures

_CGROUP: Final = Path("/sys/fs/cgroup")
_SHARE: Final = 8
"""Features that need more than one part in eight of the memory are streamed: a search holds several copies of them."""


class StoreContent:
    """What an open store holds. `stream`: whether features stay in it; None: if they would fill much of the memory."""

    def __init__(self, file: SafeGroup, path: Path, *, stream: bool | None) -> None:
        self._file, self._path = file, path
        self._stream = self._size() > _memory() / _SHARE if stream is None else stream

    def dataset(self, name: str) -> Dataset:
        """All of it. The data is called `name`."""
        return Dataset(
            name=name,
            modalities=self._modalities(),
            tasks={key: self._task(f"tasks/{key}") for key in self._file.group("tasks").names()},
            splits=self._splits(),
            ids=self._text("ids"),
            groups=self._array("groups", np.int64),
            notes=self._text("notes"),
            encoders=self._encoders(),
            transcripts=self._transcripts(),
        )

    def samples(self) -> Samples:
        """Features, ids and splits."""
        ids, splits = self._text("ids"), self._splits()
        for split, indices in splits.items():
            if indices.min(initial=0) < 0 or indices.max(initial=0) >= len(ids):
                raise ValueError(f"split {split!r} has indices outside 0 to {len(ids) - 1}")
        split_of, told = split_names(len(ids), splits), self._transcripts()
        return Samples(self._modalities(), ids, split_of, transcripts=told, encoders=self._encoders())

    def _modalities(self) -> dict[str, Modality]:
        return {name: self._modality(f"modalities/{name}") for name in self._file.group("modalities").names()}

    def _splits(self) -> dict[str, NDArray[np.int64]]:
        return {name: self._array(f"splits/{name}", np.int64) for name in self._file.group("splits").names()}

    def _size(self) -> int:
        """Bytes of all features in memory."""
        names = self._file.group("modalities").names()
        return sum(4 * math.prod(self._stored(f"modalities/{name}").shape) for name in names)

    def _modality(self, path: str) -> Modality:
        stored, group = self._stored(path), self._file.group(path)
        columns = self._text(f"{path}/columns") if "columns" in group.names() else ()
        modality = Modality(stored, stored.lengths, columns)
        if not self._stream:
            return Modality(_in_memory(stored), stored.lengths, columns)
        digest, constant = group.attributes.get("digest"), group.attributes.get("constant")
        if isinstance(digest, str) and np.shape(constant) == (modality.width,):  # computing them takes minutes
            modality.__dict__.update(digest=digest, constant=np.asarray(constant) > 0)
        return modality

    def _stored(self, path: str) -> StoredFeatures:
        """The features of a modality, not read yet, in either layout."""
        find = padded.find if "features" in self._file.group(path).names() else values.find
        return find(self._file, self._path, path, self._array(f"{path}/lengths", np.int64))

    def _transcripts(self) -> tuple[str, ...]:
        return self._text("transcripts") if "transcripts" in self._file.names() else ()

    def _encoders(self) -> dict[str, dict[str, Any]]:
        """What made the modalities that an encoder made."""
        modalities, made = self._file.group("modalities"), dict[str, dict[str, Any]]()
        for name in modalities.names():
            text = modalities.group(name).attributes.get("encoder")
            if text is not None:
                made[name] = facts = json.loads(str(text))
                if not isinstance(facts, dict):
                    raise ValueError(f"the encoder of {name!r} is {str(text)[:60]!r}, expected what made it")
        return made

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


def _in_memory(stored: StoredFeatures) -> NDArray[np.float32]:
    features = np.empty(stored.shape, np.float32)
    for block in blocks(stored.shape):
        features[block] = stored[block]
    return features


def _memory() -> int:
    """The bytes of memory that this process may use: those of the machine, or of its control group."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # "max": no limit
            limits.append(int((_CGROUP / name).read_text()))
    return min(limits)

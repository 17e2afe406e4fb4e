"""One computational sequence of CMU-MultimodalSDK: a `.csd` file, which is HDF5. Axes: `R` rows, `D` features.

- /<root>/data/<entry>/features [R, D], numbers or text, and intervals [R, 2], seconds
- /<root>/metadata/<key>, text [1], usually JSON

An entry is a video, or a segment of one, then named "video[3]".
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.readers.csd.align import Rows
from haemsa.model.data.store.hdf5 import SafeGroup, one_sentence


class DamagedEntryError(ValueError):
    """An entry that cannot be read: the `place`, file and entry, and the `problem`."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")
        self.place, self.problem = place, problem


@contextmanager
def opened(path: Path) -> Iterator[ComputationalSequence]:
    """The sequence at `path`, while the file is open. Raises ValueError, one sentence, for any other file."""
    with one_sentence(f"{path} cannot be read: "):
        file = h5py.File(path, "r")
    with file:
        with one_sentence(f"{path} cannot be read: "):
            sequence = ComputationalSequence(path, SafeGroup(file, path.stat().st_size))
        yield sequence


class ComputationalSequence:
    """A sequence of which one entry at a time is read.

    root: its name within the SDK. metadata: what else the file says of it, JSON parsed. entries: their names, in the
    file's order. capacity: bytes of features that the file can hold at most. timeless: per entry read so far, how many
    rows end before they start, or are not finite in time; they count as empty.
    """

    def __init__(self, path: Path, file: SafeGroup) -> None:
        names = file.names()
        if len(names) != 1:
            raise ValueError(f"it holds {len(names)} groups, expected one, named after the sequence")
        root = file.group(names[0])
        self.path, self.capacity = path, file.capacity
        self._data = root.group("data")
        self.entries = self._data.names()
        self.metadata = _metadata(root)
        self.root = str(self.metadata.get("root name", names[0]))
        self.timeless: dict[str, int] = {}

    @cached_property
    def videos(self) -> Mapping[str, tuple[str, ...]]:
        """The entries of each video, in the file's order."""
        found: dict[str, list[str]] = {}
        for entry in self.entries:
            found.setdefault(video_of(entry), []).append(entry)
        return {video: tuple(entries) for video, entries in found.items()}

    @property
    def is_text(self) -> bool:
        """Whether features are text, such as words: nothing to learn from, but their intervals can be a pivot."""
        return self._usual.is_text

    @property
    def width(self) -> int:
        """D, as most entries have it; 0 without any."""
        return self._usual.width

    @cached_property
    def _usual(self) -> _Form:
        forms: Counter[_Form] = Counter()
        for entry in self.entries:
            with suppress(ValueError), one_sentence():  # a broken one is told when it is read
                forms[_form(self._features(entry))] += 1
        return forms.most_common(1)[0][0] if forms else _Form(is_text=False, width=0)

    def intervals(self, entry: str) -> NDArray[np.float64]:
        """Start and end of each row, float64 [R, 2], both 0 where the file has no time. Raises DamagedEntryError."""
        with self._told(entry):
            return self._intervals(entry, self._features(entry).shape)

    def rows(self, entry: str) -> Rows:
        """Features and intervals of one entry. Raises DamagedEntryError for one that is broken or unlike the others."""
        with self._told(entry):
            found = self._features(entry)
            if _form(found) != _Form(is_text=False, width=self.width):
                shape = f"{found.dtype} {list(found.shape)}"
                raise ValueError(f"features are {shape}, expected numbers [rows, {self.width}] as in most entries")
            with np.errstate(over="ignore"):
                return Rows(np.asarray(found[()], dtype=np.float32), self._intervals(entry, found.shape))

    def _intervals(self, entry: str, features: tuple[int, ...]) -> NDArray[np.float64]:
        found = self._data.array(f"{entry}/intervals")
        if found.dtype.kind not in "fiu" or found.shape != (*features[:1], 2) or not features:
            shape = f"{found.dtype} {list(found.shape)}"
            raise ValueError(f"intervals are {shape} for features {list(features)}, expected numbers [rows, 2]")
        intervals = np.asarray(found[()], dtype=np.float64)
        wrong = ~np.isfinite(intervals).all(axis=1) | (intervals[:, 0] > intervals[:, 1])
        if wrong.any():
            self.timeless[entry] = int(wrong.sum())
            intervals[wrong] = 0
        return intervals

    def _features(self, entry: str) -> Any:
        return self._data.array(f"{entry}/features")

    @contextmanager
    def _told(self, entry: str) -> Iterator[None]:
        try:
            with one_sentence():
                yield
        except ValueError as error:
            raise DamagedEntryError(f"{self.path}: entry {entry!r}", str(error)) from None


def video_of(entry: str) -> str:
    """The video that an entry is, or is a segment of."""
    return entry.partition("[")[0]


class _Form(NamedTuple):
    is_text: bool
    width: int


def _form(features: Any) -> _Form:
    """What an entry holds. Raises ValueError for anything but text, or numbers [R, D]."""
    if h5py.check_string_dtype(features.dtype) is not None:
        return _Form(is_text=True, width=0)
    if features.dtype.kind not in "fiub" or features.ndim != 2 or not features.shape[1]:
        raise ValueError(f"features are {features.dtype} {list(features.shape)}, expected numbers [rows, D]")
    return _Form(is_text=False, width=features.shape[1])


def _metadata(root: SafeGroup) -> dict[str, Any]:
    """Every metadata item that is one text, parsed where it is JSON."""
    if "metadata" not in root.names():
        return {}
    found: dict[str, Any] = {}
    group = root.group("metadata")
    for key in group.names():
        item = group.array(key)
        if h5py.check_string_dtype(item.dtype) is not None and item.size == 1:
            text = str(np.ravel(item.asstr(errors="replace")[()])[0])
            try:
                found[key] = json.loads(text)
            except (ValueError, RecursionError):  # early versions of the SDK wrote plain text
                found[key] = text
    return found

"""One computational sequence of CMU-MultimodalSDK: a `.csd` file, which is HDF5. Axes: `R` rows, `D` features.

- /<root>/data/<entry>/features [R, D], numbers or text, and intervals [R, 2], seconds
- /<root>/metadata/<key>, text [1], usually JSON

An entry is a video, or a segment of one, which is then named "video[3]".
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
    """An entry cannot be read. `place` names the file and the entry, `problem` says what is wrong."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")
        self.place, self.problem = place, problem


@contextmanager
def opened(path: Path) -> Iterator[ComputationalSequence]:
    """The sequence at `path`, whose file stays open meanwhile. Raises ValueError, one sentence, for any other file."""
    with one_sentence(f"{path} cannot be read: "):
        file = h5py.File(path, "r")
    with file:
        with one_sentence(f"{path} cannot be read: "):
            sequence = ComputationalSequence(path, SafeGroup(file, path.stat().st_size))
        yield sequence


class ComputationalSequence:
    """A sequence. It is read one entry at a time.

    Attributes:
        path: The file.
        root: The name of the sequence within the SDK.
        metadata: What else the file says about the sequence; JSON is parsed.
        entries: The names of the entries, in the file's order.
        capacity: The most bytes of features that the file can hold.
        timeless: For each entry that was read, how many rows end before they start or have no finite time. These rows
            count as empty.
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
        entries_of: dict[str, list[str]] = {}
        for entry in self.entries:
            entries_of.setdefault(video_of(entry), []).append(entry)
        return {video: tuple(entries) for video, entries in entries_of.items()}

    @property
    def is_text(self) -> bool:
        """Whether features are text, such as words. No network learns from them, but their intervals can be a pivot."""
        return self._usual.is_text

    @property
    def width(self) -> int:
        """D, as most entries have it; 0 without entries."""
        return self._usual.width

    @cached_property
    def _usual(self) -> _Form:
        forms: Counter[_Form] = Counter()
        for entry in self.entries:
            with suppress(ValueError), one_sentence():  # a broken entry is reported when it is read
                forms[_form(self._features(entry))] += 1
        return forms.most_common(1)[0][0] if forms else _Form(is_text=False, width=0)

    def intervals(self, entry: str) -> NDArray[np.float64]:
        """Start and end of each row, float64 [R, 2], both 0 where the file has no time. Raises DamagedEntryError."""
        with self._naming(entry):
            return self._intervals(entry, self._features(entry).shape)

    def rows(self, entry: str) -> Rows:
        """Features and intervals of one entry. Raises DamagedEntryError if it is broken or unlike most others."""
        with self._naming(entry):
            features = self._features(entry)
            if _form(features) != _Form(is_text=False, width=self.width):
                form = f"{features.dtype} {list(features.shape)}"
                raise ValueError(f"features are {form}, expected numbers [rows, {self.width}] as in most entries")
            with np.errstate(over="ignore"):
                return Rows(np.asarray(features[()], dtype=np.float32), self._intervals(entry, features.shape))

    def _intervals(self, entry: str, features: tuple[int, ...]) -> NDArray[np.float64]:
        """The intervals of an entry whose features have this shape."""
        array = self._data.array(f"{entry}/intervals")
        if array.dtype.kind not in "fiu" or array.shape != (*features[:1], 2) or not features:
            form = f"{array.dtype} {list(array.shape)}"
            raise ValueError(f"intervals are {form} for features {list(features)}, expected numbers [rows, 2]")
        intervals = np.asarray(array[()], dtype=np.float64)
        wrong = ~np.isfinite(intervals).all(axis=1) | (intervals[:, 0] > intervals[:, 1])
        if wrong.any():
            self.timeless[entry] = int(wrong.sum())
            intervals[wrong] = 0
        return intervals

    def _features(self, entry: str) -> Any:
        return self._data.array(f"{entry}/features")

    @contextmanager
    def _naming(self, entry: str) -> Iterator[None]:
        """An error that is raised within becomes a DamagedEntryError, which names the entry."""
        try:
            with one_sentence():
                yield
        except ValueError as error:
            raise DamagedEntryError(f"{self.path}: entry {entry!r}", str(error)) from None


def video_of(entry: str) -> str:
    """The video of an entry, which is the video or a segment of it."""
    return entry.partition("[")[0]


class _Form(NamedTuple):
    is_text: bool
    width: int


def _form(features: Any) -> _Form:
    """Whether an entry holds text, or numbers [R, D]. Raises ValueError for anything else."""
    if h5py.check_string_dtype(features.dtype) is not None:
        return _Form(is_text=True, width=0)
    if features.dtype.kind not in "fiub" or features.ndim != 2 or not features.shape[1]:
        raise ValueError(f"features are {features.dtype} {list(features.shape)}, expected numbers [rows, D]")
    return _Form(is_text=False, width=features.shape[1])


def _metadata(root: SafeGroup) -> dict[str, Any]:
    """The metadata that is text, parsed if it is JSON."""
    if "metadata" not in root.names():
        return {}
    metadata: dict[str, Any] = {}
    group = root.group("metadata")
    for key in group.names():
        item = group.array(key)
        if h5py.check_string_dtype(item.dtype) is not None and item.size == 1:
            text = str(np.ravel(item.asstr(errors="replace")[()])[0])
            try:
                metadata[key] = json.loads(text)
            except (ValueError, RecursionError):  # early versions of the SDK wrote plain text
                metadata[key] = text
    return metadata

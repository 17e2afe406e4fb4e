"""How a store keeps features: the steps of all samples one after the other, without padding, and not compressed.

They are read straight from the file into an array. A file on a disk of the network is read in the same way. A read that
fails is an error, where a mapped page would end the process.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.store.hdf5 import SafeGroup
from haemsa.model.data.streamed import ReadSteps, StoredFeatures, version_of


@dataclass(frozen=True)
class Values:
    """Where a file has steps [S, D]. The start of a sample is the number of its first step.

    Attributes:
        offset: The byte where they begin.
        width: D.
        dtype: float16 or float32.
    """

    offset: int
    width: int
    dtype: np.dtype[Any]

    def open(self, path: Path) -> ReadSteps:
        """What reads them from the file at `path`, which stays open as long as it is needed."""
        return _Reader(path, self)


class _Reader:
    """Reads steps of an open file."""

    def __init__(self, path: Path, values: Values) -> None:
        self._path, self._file, self._values = path, os.open(path, os.O_RDONLY), values
        weakref.finalize(self, os.close, self._file)

    def __call__(self, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[Any]:
        """The steps of samples one after the other, [S, D]."""
        found = np.empty((int(lengths.sum()), self._values.width), self._values.dtype)
        rest, size = found.reshape(-1).view(np.uint8).data, found.itemsize * self._values.width
        pieces = [(self._values.offset + first * size, count * size) for first, count in _runs(starts, lengths)]
        if hasattr(os, "posix_fadvise"):  # not on macOS
            for offset, count in pieces:  # all are asked for at once, because a disk answers many reads side by side
                os.posix_fadvise(self._file, offset, count, os.POSIX_FADV_WILLNEED)
        for offset, count in pieces:
            self._fill(rest[:count], offset)
            rest = rest[count:]
        return found

    def _fill(self, content: memoryview, offset: int) -> None:
        """Read until `content` is full: the system may give less than was asked for."""
        while content:
            count = os.preadv(self._file, [content], offset)
            if not count:
                raise OSError(f"{self._path} ends before its features do, expected it to stay while it is in use")
            content, offset = content[count:], offset + count


def find(file: SafeGroup, path: Path, group: str, lengths: NDArray[np.int64]) -> StoredFeatures:
    """The features of the modality at `group` in an open file. Raises ValueError if their form is another."""
    name, steps, total = f"{group}/values", int(file.group(group).attributes["steps"]), int(lengths.sum())
    array = file.array(name)
    if array.dtype not in (np.float32, np.float16) or array.ndim != 2 or len(array) != total:
        form = f"{array.dtype} {list(array.shape)}"
        raise ValueError(f"{name!r} holds {form}, expected float32 or float16 [{total}, D], the sum of the lengths")
    width = array.shape[1]
    if steps * width * array.dtype.itemsize > file.capacity:
        raise ValueError(f"{group!r} claims {steps} steps, more than the file can hold")
    place, starts = Values(file.offset(name), width, array.dtype), np.cumsum(lengths) - lengths
    return StoredFeatures(path.resolve(), version_of(path), place, (len(lengths), steps, width), starts, lengths)


def _runs(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """The first step, and how many: steps of samples that follow each other in the file are read in one go."""
    some = lengths > 0
    starts, ends = starts[some], (starts + lengths)[some]
    firsts = starts[starts != np.concatenate([[-1], ends[:-1]])]
    lasts = ends[ends != np.concatenate([starts[1:], [-1]])]
    yield from zip(firsts.tolist(), (lasts - firsts).tolist(), strict=True)

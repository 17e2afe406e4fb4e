"""The arrays in an .npz file, if they are numbers or text. Nothing is unpickled, and small files fill little memory."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from haemsa.model.data.store.hdf5 import DEFLATED

_BLOCK: Final = 2**22
"""Bytes that are read at a time."""
_ENDING: Final = ".npy"


@dataclass(frozen=True)
class Header:
    """The shape and type of an array. Its content lies column by column if `fortran`."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"


class Npz:
    """The file at `path`. Anything wrong with it is a ValueError of one sentence.

    Attributes:
        limit: The most bytes that the file can hold.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.limit = path.stat().st_size * DEFLATED
        try:
            with zipfile.ZipFile(path) as archive:
                members = archive.infolist()
        except Exception as error:  # a broken archive raises whatever its broken parts raise
            raise ValueError(f"{path} is no .npz file: {_reason(error)}") from None
        if (claimed := sum(member.file_size for member in members)) > self.limit:
            raise ValueError(f"{path} claims {claimed} bytes of arrays, more than the file can hold")
        self._members = {member.filename.removesuffix(_ENDING): member for member in members}

    @property
    def names(self) -> list[str]:
        """The names of the arrays."""
        return list(self._members)

    def header(self, name: str) -> Header:
        """The shape and type of an array of numbers or text. No axis is empty."""
        with self._open(name) as (header, _):
            return header

    def array(self, name: str) -> NDArray[Any]:
        """A whole array, of numbers or of objects of type str."""
        with self._open(name) as (header, file):
            array = _take(file, header)
            if header.dtype.kind == "S":
                array = np.array([text.decode(errors="replace") for text in array.ravel().tolist()], object)
            return array.reshape(header.shape).astype(object) if header.dtype.kind in "US" else array

    def fill(self, name: str, target: NDArray[np.float32]) -> None:
        """Read an array [N, t, D], or [N, D] for one step, into the first steps of `target` [N, T, D]."""
        with self._open(name) as (header, file), np.errstate(over="ignore", invalid="ignore"):
            count = header.shape[0]
            steps = header.shape[1] if len(header.shape) == 3 else 1
            if header.fortran:
                target[:, :steps] = _take(file, header).reshape(count, steps, -1)
                return
            rows = max(1, _BLOCK * count // (header.dtype.itemsize * math.prod(header.shape)))
            for start in range(0, count, rows):
                stop = min(count, start + rows)
                block = _take(file, Header((stop - start, *header.shape[1:]), header.dtype, fortran=False))
                target[start:stop, :steps] = block.reshape(stop - start, steps, -1)

    @contextmanager
    def _open(self, name: str) -> Iterator[tuple[Header, IO[bytes]]]:
        member = self._members[name]
        try:
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError("it is not compressed as numpy.savez_compressed does it")
            with zipfile.ZipFile(self._path) as archive, archive.open(member) as file:
                yield _header(file, member.file_size), file
        except Exception as error:  # as in __init__
            raise ValueError(f"{self._path}: array {name!r} cannot be read: {_reason(error)}") from None


def _header(file: IO[bytes], claimed: int) -> Header:
    """Read the header of an array whose member claims to have `claimed` bytes."""
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"its format has the version {version}, expected 1.0 or 2.0")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(file)
    header, left = Header(shape, dtype, fortran), claimed - file.tell()
    if dtype.kind not in "biufUS":
        raise ValueError(f"it is {header}, expected numbers or text (objects can be saved as text by astype(str))")
    if not shape or min(shape) < 1 or not dtype.itemsize:
        raise ValueError(f"it is {header}, expected at least one sample, and no axis of size 0")
    if dtype.itemsize * math.prod(shape) != left:
        raise ValueError(f"it claims to be {header}, but holds {left} bytes")
    return header


def _take(file: IO[bytes], header: Header) -> NDArray[Any]:
    size = header.dtype.itemsize * math.prod(header.shape)
    raw = file.read(size)
    if len(raw) != size:
        raise ValueError("it is truncated")
    return np.frombuffer(raw, header.dtype).reshape(header.shape, order="F" if header.fortran else "C")


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__

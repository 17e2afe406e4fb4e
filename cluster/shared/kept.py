"""Results of long work, kept in a folder by all that they depend on, so that the work is never done twice."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.shared.files import replacing

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Kept:
    """Arrays in a folder, which is made with the first of them.

    Each set of arrays has a `name` and what it `depends` on: anything that JSON holds.
    """

    folder: Path

    def read(self, name: str, depends: Mapping[str, Any]) -> Arrays | None:
        """The arrays. None if there are none, or if their file cannot be read."""
        try:
            with np.load(self._path(name, depends), allow_pickle=False) as arrays:
                return dict(arrays)
        except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error):
            return None

    def write(self, name: str, depends: Mapping[str, Any], made: Arrays) -> None:
        """Keep the arrays. Raises ValueError for arrays of objects, which numpy would pickle."""
        for key, array in made.items():
            if array.dtype.hasobject:
                raise ValueError(f"array {key!r} holds Python objects, expected numbers or text")
        path = self._path(name, depends)
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **dict[str, Any](made))

    def _path(self, name: str, depends: Mapping[str, Any]) -> Path:
        return self.folder / f"{name}-{digest(json.dumps(depends, sort_keys=True).encode())}.npz"


def digest(content: bytes) -> str:
    """16 hexadecimal digits that stand for the content."""
    return hashlib.sha256(content).hexdigest()[:16]

"""Results of long work, kept in a folder by all that they depend on, so that the work is never done twice."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.shared.files import replacing

Arrays = Mapping[str, NDArray[Any]]


def cached(folder: Path, name: str, depends: Mapping[str, Any], make: Callable[[], Arrays]) -> Arrays:
    """The arrays that `make` gives. They are made once for each value of `depends`, then read from the folder.

    `depends` is anything that JSON holds. A file that cannot be read is made again.
    """
    path = folder / f"{name}-{digest(json.dumps(depends, sort_keys=True).encode())}.npz"
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error):
        made = make()
    for key, array in made.items():
        if array.dtype.hasobject:  # numpy would pickle it
            raise ValueError(f"array {key!r} holds Python objects, expected numbers or text")
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **dict[str, Any](made))
    return made


def digest(content: bytes) -> str:
    """16 hexadecimal digits that stand for the content."""
    return hashlib.sha256(content).hexdigest()[:16]

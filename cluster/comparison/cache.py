"""What long work has done already, kept in a folder by all that it depends on, so that it is never done twice."""

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


def kept(folder: Path, name: str, depends: Mapping[str, Any], make: Callable[[], Arrays]) -> Arrays:
    """The arrays that `make` gives: made once for values of `depends` (as JSON), then read from the folder.

    A file that cannot be read is made anew.
    """
    path = folder / f"{name}-{digest(json.dumps(depends, sort_keys=True).encode())}.npz"
    try:
        with np.load(path, allow_pickle=False) as found:
            return dict(found)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error):
        made = make()
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **made)
    return made


def digest(content: bytes) -> str:
    """16 hexadecimal digits that stand for the content."""
    return hashlib.sha256(content).hexdigest()[:16]

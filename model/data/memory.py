"""How much memory the content of a file may take: an array named a million times makes a small file a large one."""

from __future__ import annotations

import math
import os
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data import memory as scratch

DEFLATED: Final = 1100
"""No file deflates further than 1,032 to 1: a claim of more would only fill the memory."""
_INFLATION: Final = 100
"""Padding and wider numbers make arrays larger than they are in their file, but hardly by more."""
_LEAST: Final = 2**26
OBJECT: Final = 256
"""Bytes that are at most needed for what is noted of one sample."""


class Room:
    """Makes the arrays for what files hold, as long as their size justifies them."""

    def __init__(self, *paths: Path) -> None:
        self._left = max(_LEAST, _INFLATION * sum(path.stat().st_size for path in paths))

    def claim(self, what: str, size: int) -> None:
        """Set `size` bytes aside. Raises ValueError, naming `what` they are for, where the file is too small for it."""
        self._left -= size
        if self._left < 0:
            raise ValueError(f"{what} would take {size} bytes, more than the file can hold")

    def zeros(self, what: str, *shape: int) -> NDArray[np.float32]:
        """Zeros of this shape, claimed."""
        self.claim(f"{what} of the shape {list(shape)}", 4 * math.prod(shape))
        return scratch.zeros(shape)


LARGE: Final = 2**29
"""Arrays of more bytes than this lie in a file without a name: the system may move them out of memory."""


def zeros(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Zeros, float32; where they are large, in a temporary file that vanishes with the array.

    Raises OSError, one sentence, where there is no room for it.
    """
    size = 4 * math.prod(shape)
    if size <= LARGE:
        return np.zeros(shape, np.float32)
    with tempfile.TemporaryFile() as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)  # a page without room would end the process when it is touched
        except OSError as error:
            problem = f"{tempfile.gettempdir()} has no room for {size / 2**30:.1f} GiB of features ({error.strerror})"
            raise OSError(f"{problem}: TMPDIR names another folder, --steps cuts long samples") from None
        return np.memmap(file, np.float32, "r+", shape=shape)

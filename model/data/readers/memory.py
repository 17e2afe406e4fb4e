"""How much memory the content of a file may take. A small file can name one array a million times."""

from __future__ import annotations

import math
import os
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

LARGE: Final = 2**29
"""Arrays of more bytes than this lie in a file without a name, so the system can move them out of memory."""
OBJECT: Final = 256
"""The most bytes that are needed to remember one sample while it is read."""
_INFLATION: Final = 100
"""Padding and wider numbers make arrays larger than they are in their file, but hardly by more than this."""
_LEAST: Final = 2**26


class MemoryBudget:
    """Makes the arrays for the content of files, up to a total that their size justifies."""

    def __init__(self, *paths: Path) -> None:
        self._left = max(_LEAST, _INFLATION * sum(path.stat().st_size for path in paths))

    def claim(self, what: str, size: int) -> None:
        """Set `size` bytes aside. Raises ValueError, which names `what` they are for, if the files are too small."""
        self._left -= size
        if self._left < 0:
            raise ValueError(f"{what} would take {size} bytes, more than the file can hold")

    def zeros(self, what: str, *shape: int) -> NDArray[np.float32]:
        """Zeros of this shape, whose bytes are set aside."""
        self.claim(f"{what} of the shape {list(shape)}", 4 * math.prod(shape))
        return zeros(shape)


def zeros(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Zeros, float32. Large ones lie in a temporary file that vanishes with the array.

    Raises:
        OSError: The disk has no room for that file. The message is one sentence.
    """
    size = 4 * math.prod(shape)
    if size <= LARGE:
        return np.zeros(shape, np.float32)
    with tempfile.TemporaryFile() as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)  # a later write without room would end the process
        except OSError as error:
            problem = f"{tempfile.gettempdir()} has no room for {size / 2**30:.1f} GiB of features ({error.strerror})"
            raise OSError(f"{problem}: TMPDIR names another folder, --steps cuts long samples") from None
        return np.memmap(file, np.float32, "r+", shape=shape)

"""How much memory the content of a file may take: an array named a million times makes a small file a large one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.data import scratch

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

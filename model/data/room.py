"""How much memory the content of a file may take: an array named a million times makes a small file a large one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.data import scratch

_INFLATION: Final = 100
"""Padding and wider numbers make arrays larger than they are in their file, but hardly by more."""
_LEAST: Final = 2**26


class Room:
    """Makes the arrays for what a file holds, as long as its size justifies them."""

    def __init__(self, path: Path) -> None:
        self._left = max(_LEAST, _INFLATION * path.stat().st_size)

    def zeros(self, what: str, *shape: int) -> NDArray[np.float32]:
        """Zeros of this shape. Raises ValueError, naming `what` they are for, where the file cannot hold so many."""
        self._left -= 4 * math.prod(shape)
        if self._left < 0:
            raise ValueError(f"{what} would have the shape {list(shape)}, more than the file can hold")
        return scratch.zeros(shape)

"""Room for features while data is read, also for more of them than memory holds."""

from __future__ import annotations

import math
import tempfile
from typing import Final

import numpy as np
from numpy.typing import NDArray

LARGE: Final = 2**29
"""Arrays of more bytes than this lie in a file without a name: the system may move them out of memory."""


def zeros(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Zeros, float32; where they are large, in a temporary file that vanishes with the array."""
    if 4 * math.prod(shape) <= LARGE:
        return np.zeros(shape, np.float32)
    with tempfile.TemporaryFile() as file:
        file.truncate(4 * math.prod(shape))
        return np.memmap(file, np.float32, "r+", shape=shape)

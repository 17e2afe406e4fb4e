"""Room for features while data is read, also for more of them than memory holds."""

from __future__ import annotations

import math
import os
import tempfile
from typing import Final

import numpy as np
from numpy.typing import NDArray

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

"""Settings of a process that trains many small networks, one after another, on a CPU."""

from __future__ import annotations

import ctypes

import torch

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # numbers of glibc's mallopt
_KEPT = 1 << 30


def prepare_process(threads: int = 1) -> None:
    """Set torch's threads, treat denormal numbers as 0, and keep freed memory.

    Every training step frees a few megabytes and then needs them again. glibc returns them to the system each time, and
    page faults then take longer than the arithmetic. Where there is no `mallopt` (macOS, musl), this part is left out.
    """
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT)
        mallopt(_MMAP_THRESHOLD, _KEPT)

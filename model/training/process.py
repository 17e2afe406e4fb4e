"""Settings of a process that trains many small networks, one after another, on a CPU."""

from __future__ import annotations

import ctypes

import torch

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # numbers of glibc's mallopt
_KEPT = 1 << 30


def prepare_process(threads: int = 1) -> None:
    """Set torch's threads, flush denormal numbers, and keep freed memory.

    A training step frees and asks again for the same few megabytes. glibc gives them back to the system each time, and
    page faults then cost more than the arithmetic. Where there is no `mallopt` (macOS, musl), that part is left out.
    """
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT)
        mallopt(_MMAP_THRESHOLD, _KEPT)

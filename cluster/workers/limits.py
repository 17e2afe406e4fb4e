"""What one candidate may take: seconds, and memory."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Final

from haemsa.cluster.workers.job import Job

LEAST: Final = 600.0
TIMES: Final = 50.0
"""If no limit is given, an epoch may take so many times as long as the longest so far, but a cohort `LEAST` seconds."""


class TimeLimit:
    """Seconds that a candidate may train: as given, or learnt from those that ended (no limit before the first)."""

    def __init__(self, given: float | None) -> None:
        self._given, self._longest = given, 0.0

    def learn(self, seconds: float, cohort: Sequence[Job]) -> None:
        """A cohort took so many seconds."""
        self._longest = max(self._longest, seconds / _epochs(cohort))

    def seconds(self, cohort: Sequence[Job]) -> float:
        """The limit of a cohort. Infinite while nothing is known."""
        if self._given is not None:
            return self._given * len(cohort)
        return max(LEAST, TIMES * self._longest * _epochs(cohort)) if self._longest else math.inf


def _epochs(cohort: Sequence[Job]) -> int:
    """Epochs that a cohort has to train, all replicates together."""
    return max(1, sum(sum(job.waiting().values()) for job in cohort))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there was no memory: Python's error, or torch's on a GPU or on a CPU."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text


def limit_memory(more: float | None) -> None:
    """Let this process take `more` bytes than it has now, then raise MemoryError. None: no limit. Only on Linux."""
    if more is None:
        return
    with contextlib.suppress(ImportError, OSError):
        import resource
        from pathlib import Path

        kib = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData"))
        limit = int(kib.split()[1]) * 1024 + int(more)
        most = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (limit if most < 0 else min(limit, most), most))

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

SHORTEST: Final = 12.0
"""Seconds that a cohort usually takes at least: a worker that starts anew takes as long."""


class TimeLimit:
    """Seconds that a candidate may train: as given, or learnt from those that ended (no limit before the first)."""

    def __init__(self, given: float | None) -> None:
        self._given, self._longest = given, 0.0
        self._seconds, self._epochs, self._longest_rows = 0.0, 0, 0

    def learn(self, seconds: float, cohort: Sequence[Job]) -> None:
        """A cohort took so many seconds."""
        self._longest = max(self._longest, seconds / _epochs(cohort))
        self._seconds += seconds
        self._epochs += _epochs(cohort)
        self._longest_rows += _longest_row(cohort)

    def usual(self, cohort: Sequence[Job]) -> float:
        """Seconds that a cohort takes at most, by what those before took. Infinite while nothing is known.

        On a CPU the epochs of all its networks count. On a GPU they train at once, so the longest training counts.
        """
        if not self._epochs:
            return math.inf
        shares = _epochs(cohort) / self._epochs, _longest_row(cohort) / self._longest_rows
        return max(SHORTEST, self._seconds * max(shares))

    def seconds(self, cohort: Sequence[Job]) -> float:
        """The limit of a cohort. Infinite while nothing is known."""
        if self._given is not None:
            return self._given * len(cohort)
        return max(LEAST, TIMES * self._longest * _epochs(cohort)) if self._longest else math.inf


def _epochs(cohort: Sequence[Job]) -> int:
    """Epochs that a cohort has to train, all replicates together."""
    return max(1, sum(sum(job.waiting().values()) for job in cohort))


def _longest_row(cohort: Sequence[Job]) -> int:
    """Epochs of the longest training of a cohort."""
    return max((epochs for job in cohort for epochs in job.waiting().values()), default=1)


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

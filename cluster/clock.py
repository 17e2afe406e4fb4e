"""The time that a search takes, and how much of it its workers are busy."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Clock:
    """Where a search's time went, in seconds. `before`: what earlier sessions of a resumed search took.

    `now`: what tells the time; a simulated cluster has its own.
    """

    before: float = 0.0
    now: Callable[[], float] = time.perf_counter
    start: float = field(init=False)
    waited: float = 0.0
    busy: float = 0.0
    first_submit: float | None = None
    last_end: float = 0.0

    def __post_init__(self) -> None:
        self.start = self.now()

    def elapsed(self) -> float:
        """Wall time of the search so far, earlier sessions included."""
        return self.before + self.now() - self.start

    def busy_fraction(self, workers: int) -> float:
        """Share of the workers' time, from the first submission to the last result, that was spent training."""
        if self.first_submit is None or self.last_end <= self.first_submit:
            return 0.0
        return min(1.0, self.busy / (workers * (self.last_end - self.first_submit)))

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
    workers: int = 0
    available: float = 0.0
    """Seconds that all workers together were there, from the first submission to the last result."""

    def __post_init__(self) -> None:
        self.start = self.now()

    def elapsed(self) -> float:
        """Wall time of the search so far, earlier sessions included."""
        return self.before + self.now() - self.start

    def collected(self, workers: int, waited: float) -> None:
        """Results came, by so many workers, after so many seconds of waiting."""
        now = self.now()
        if self.first_submit is not None:
            self.available += workers * (now - max(self.first_submit, self.last_end))
        self.last_end, self.waited, self.workers = now, self.waited + waited, workers

    @property
    def busy_fraction(self) -> float:
        """Share of the workers' time, from the first submission to the last result, that was spent training."""
        return min(1.0, self.busy / self.available) if self.available > 0 else 0.0

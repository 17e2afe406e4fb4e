"""How far work is that consists of many like things, or of several steps: `Tally` and `Steps`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from haemsa.cluster.shared.progress import Progress, Status


class Tally:
    """Shows how many of `total` things are done, and about how long the others take.

    Args:
        shown: Shows it.
        what: What the things are called.
        total: How many there are; None: unknown.
        done: How many were done before.
        now: The time in seconds.
    """

    def __init__(
        self,
        shown: Progress,
        what: str,
        total: int | None,
        done: int = 0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shown, self._what, self._total, self._before, self._done = shown, what, total, done, done
        self._now, self._began = now, now()

    def add(self, count: int = 1, *, show: bool = True) -> None:
        """So many more are done."""
        self._done += count
        if show:
            self.show()

    def reach(self, done: int) -> None:
        """So many are done, those before included, or more."""
        self._done = max(self._done, done if self._total is None else min(done, self._total))
        self.show()

    def show(self) -> None:
        """Show the time that has passed."""
        elapsed, new = self._now() - self._began, self._done - self._before
        remaining = elapsed * (self._total - self._done) / new if new and self._total is not None else None
        status = Status(self._done, self._total, front_size=None, elapsed=elapsed, remaining=remaining, what=self._what)
        self._shown.update(status)


class Steps:
    """A progress for several steps: which one runs, "3 of 12", and about how long all that is left takes.

    The time left counts every step that is to come as long as the mean of those that were seen to run. What steps note
    before they run, such as facts about their data, is noted once.

    Args:
        shown: Shows it.
        total: How many steps there are.
        now: The time in seconds.
    """

    def __init__(self, shown: Progress, total: int, now: Callable[[], float] = time.monotonic) -> None:
        self._shown, self._total, self._now = shown, total, now
        self._name, self._number, self._began = "", 0, now()
        self._first: int | None = None
        self._runs = False
        self._seconds: list[float] = []
        self._noted: set[str] = set()

    def begin(self, name: str, note: str = "") -> None:
        """The step before has ended, and this one begins."""
        if self._runs:
            self._seconds.append(self._now() - self._began)
        self._name, self._number, self._began = name, self._number + 1, self._now()
        self._first, self._runs = None, False
        if note:
            self._shown.note(f"{note} ({self._number} of {self._total})")

    def update(self, status: Status) -> None:
        """Show this status of the step that runs."""
        self._first = status.evaluations if self._first is None else self._first
        self._runs = self._runs or status.evaluations > self._first
        what = f"{self._name}, {self._number} of {self._total}:"
        self._shown.update(replace(status, what=what, remaining=self._remaining(status)))

    def note(self, message: str) -> None:
        """Print one line that stays."""
        if self._first is not None or message not in self._noted:
            self._shown.note(message)
        self._noted.add(message)

    def _remaining(self, status: Status) -> float | None:
        here = self._now() - self._began
        known = self._seconds + ([here + status.remaining] if status.remaining is not None and self._runs else [])
        if not known:
            return None
        each = sum(known) / len(known)
        if status.remaining is None and here >= each:
            return None  # this step is longer than the others were, nobody knows by how much
        left = each - here if status.remaining is None else status.remaining
        return left + each * (self._total - self._number)

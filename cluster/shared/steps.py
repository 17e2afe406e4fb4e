"""How far work is that consists of many like things, of several steps, or of parts: `Tally`, `Steps` and `Parts`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from haemsa.cluster.shared.progress import Progress, Status

LEAST: Final = 0.1
"""While less than this share of all parts is done, nobody knows how long the others take."""


class Tally:
    """Shows how many of `total` things are done, and about how long the others take.

    Args:
        shown: Shows it.
        what: What the things are called.
        total: How many there are; None: unknown.
        done: How many were done before.
        now: The time in seconds.
        size: How much work the others are together, if they differ.
    """

    def __init__(
        self,
        shown: Progress,
        what: str,
        total: int | None,
        done: int = 0,
        now: Callable[[], float] = time.monotonic,
        size: float | None = None,
    ) -> None:
        self._shown, self._what, self._total, self._before, self._done = shown, what, total, done, done
        self._now, self._began, self._size, self._worked = now, now(), size, 0.0

    def add(self, count: int = 1, *, show: bool = True, size: float = 0.0) -> None:
        """So many more are done, which were so much work."""
        self._done, self._worked = self._done + count, self._worked + size
        if show:
            self.show()

    def reach(self, done: int) -> None:
        """So many are done, those before included, or more."""
        self._done = max(self._done, done if self._total is None else min(done, self._total))
        self.show()

    def show(self) -> None:
        """Show the time that has passed."""
        elapsed = self._now() - self._began
        if self._size is not None:
            worked, left = self._worked, max(0.0, self._size - self._worked)
        else:
            worked, left = self._done - self._before, (self._total or 0) - self._done
        remaining = elapsed * left / worked if worked and self._total is not None else None
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
        sizes: How long each step is beside the others. Empty: all are alike.
    """

    def __init__(
        self, shown: Progress, total: int, now: Callable[[], float] = time.monotonic, sizes: Sequence[float] = ()
    ) -> None:
        self._shown, self._total, self._now = shown, total, now
        self._sizes = sizes or (1.0,) * total
        self._name, self._number, self._began = "", 0, now()
        self._first: int | None = None
        self._runs = False
        self._seconds: list[float] = []
        self._noted: set[str] = set()

    def begin(self, name: str, note: str = "") -> None:
        """The step before has ended, and this one begins."""
        if self._runs:
            self._seconds.append((self._now() - self._began) / self._sizes[self._number - 1])
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
        here, size = self._now() - self._began, self._sizes[self._number - 1]
        known = list(self._seconds)
        known += [(here + status.remaining) / size] if status.remaining is not None and self._runs else []
        if not known:
            return None
        each = sum(known) / len(known)
        if status.remaining is None and here >= each * size:
            return None  # this step is longer than the others were, nobody knows by how much
        left = each * size - here if status.remaining is None else status.remaining
        return left + each * sum(self._sizes[self._number :])


class Parts:
    """A progress for the parts of a step, which may run at the same time. It may be told from any thread.

    What is counted is summed. The time left is judged by the share of all parts that is done. Parts that were done
    before do not count there. What several parts note is noted once.

    Args:
        shown: Shows it.
        sizes: How much work each part is, beside the others.
        each: How many things each part counts.
        now: The time in seconds.
    """

    def __init__(
        self, shown: Progress, sizes: Sequence[float], each: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._shown, self._each, self._now = shown, each, now
        self._began, self._lock, self._noted = now(), threading.Lock(), set[str]()
        self.parts = [Part(self, size) for size in sizes]

    def show(self) -> None:
        """Show how all stand."""
        with self._lock:
            parts, elapsed, total = self.parts, self._now() - self._began, len(self.parts)
            work = sum(part.size for part in parts if part.runs or not part.ended)
            done = sum(part.size * part.share for part in parts if part.runs)
            self._shown.update(Status(
                sum(self._each if part.ended else part.status.evaluations for part in parts),
                self._each * total,
                failures=sum(part.status.failures for part in parts),
                front_size=None,
                elapsed=elapsed,
                remaining=elapsed * (work - done) / done if done > LEAST * work else None,
                phase=f"ended {sum(part.ended for part in parts)} of {total}",
            ))  # fmt: skip

    def note(self, message: str) -> None:
        """Print one line that stays, once."""
        with self._lock:
            if message not in self._noted:
                self._noted.add(message)
                self._shown.note(message)


class Part:
    """The progress of one part."""

    def __init__(self, whole: Parts, size: float) -> None:
        self._whole, self._first, self.size = whole, -1, size
        self.status, self.runs, self.ended = Status(0), False, False

    @property
    def share(self) -> float:
        """The share of it that is done, from 0 to 1."""
        left, elapsed = self.status.remaining, self.status.elapsed
        return 1.0 if self.ended else elapsed / (elapsed + left) if left and elapsed else 0.0

    def update(self, status: Status) -> None:
        """Show this status within the whole."""
        self._first = status.evaluations if self._first < 0 else self._first
        self.status = status
        self.runs = self.runs or status.remaining is not None or status.evaluations > self._first
        self._whole.show()

    def note(self, message: str) -> None:
        """Print one line that stays."""
        self._whole.note(message)

    def end(self) -> None:
        """It has ended."""
        self.ended = True
        self._whole.show()

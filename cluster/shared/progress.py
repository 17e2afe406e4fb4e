"""How a search stands, live: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from haemsa.cluster.shared.text import duration, number

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Status:
    """How a search stands.

    `best`: the objectives of the best network. `elapsed`, `remaining`: seconds; None: unknown. `phase`: what is being
    done, if it is not the usual work. `rung`: the rung that these scores are of, and the number of rungs up to final
    scores; None: there is only one. `confirmed`: the scores are of a network that was trained again from scratch.
    `what`: what is counted, or which of several steps this is.
    """

    evaluations: int
    total: int | None = None
    failures: int = 0
    best: Mapping[str, float] = field(default_factory=dict)
    front_size: int | None = 0
    busy_fraction: float | None = None
    elapsed: float = 0.0
    remaining: float | None = None
    generation: int = 0
    rung: tuple[int, int] | None = None
    phase: str = ""
    confirmed: bool = False
    what: str = ""

    @property
    def origin(self) -> str:
        """Where the best scores come from: scores of different rungs cannot be compared. Empty: there is only one."""
        return "confirmed" if self.confirmed else "rung {} of {}".format(*self.rung) if self.rung else ""


class Progress(Protocol):
    """Shows a status. Call it as often as you like: it draws only as often as a person can read."""

    def update(self, status: Status) -> None:
        """Show this status soon."""

    def note(self, message: str) -> None:
        """Print one line that stays."""


class SilentProgress:
    """Shows nothing."""

    def update(self, status: Status) -> None:
        """Do nothing."""

    def note(self, message: str) -> None:
        """Do nothing."""


class LastingProgress:
    """Shows what another progress shows, and logs its notes. When it can show nothing any more, the work goes on."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown

    def update(self, status: Status) -> None:
        """Show this status soon, if that is possible."""
        self._try(lambda: self._shown.update(status))

    def note(self, message: str) -> None:
        """Log one line, and print it if that is possible."""
        log.info("%s", message)
        self._try(lambda: self._shown.note(message))

    def _try(self, show: Callable[[], None]) -> None:
        try:
            show()
        except (OSError, ValueError) as problem:  # the terminal is gone, the file is closed, the encoding is too small
            log.warning("progress is no longer shown: %s", problem)
            self._shown = SilentProgress()


def lasting(progress: Progress | None) -> Progress:
    """A progress on which no work depends. None: nothing is shown."""
    return SilentProgress() if progress is None else LastingProgress(progress)


class PlainProgress:
    """Writes a line for each generation; within one, at most a line in `every` seconds. The last status is shown."""

    def __init__(
        self, write: Callable[[str], None], every: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write, self._every, self._clock = write, every, clock
        self._next = 0.0
        self._generation = -1
        self._waiting: Status | None = None

    def update(self, status: Status) -> None:
        """Write a line if a generation has ended or the last line is old."""
        if status.generation == self._generation and self._clock() < self._next:
            self._waiting = status
            return
        self._show(status)

    def note(self, message: str) -> None:
        """Print one line."""
        self._write(message)

    def finish(self) -> None:
        """Write the last status, if it was not written yet."""
        if self._waiting is not None:
            self._show(self._waiting)

    def _show(self, status: Status) -> None:
        self._generation, self._waiting = status.generation, None
        self._next = self._clock() + self._every
        self._write(line(status))


class LiveProgress:
    """A bar that redraws in place, at most four times a second."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        self._console = console
        self.bar: Bar = Progress(
            TextColumn("{task.fields[count]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[details]}"),
            console=console,
            refresh_per_second=4,
        )
        self._task = self.bar.add_task("search", total=None, count="starting", details="")

    def update(self, status: Status) -> None:
        """Redraw with this status."""
        count, _, details = line(status).partition(" · ")
        self.bar.update(
            self._task,
            completed=status.evaluations,
            total=status.total,
            count=count,
            details=details.replace(" · ", "  "),
        )

    def note(self, message: str) -> None:
        """Print one line above the bar."""
        self._console.print(message, markup=False, highlight=False)


def line(status: Status) -> str:
    """The status in one line.

    Example:
        >>> status = Status(48, 200, best={"mae": 0.912}, front_size=7, elapsed=70, remaining=220, rung=(1, 3))
        >>> line(status)
        '48/200 · best mae 0.912 (rung 1 of 3) · front 7 · 1m 10s, 3m 40s left'
        >>> line(Status(4, 15, front_size=None, elapsed=8, remaining=22, what="networks"))
        'networks 4/15 · 8s, 22s left'
    """
    of = f"/{status.total}" if status.total else "" if status.what else " evaluations"
    parts = [f"{status.what} {status.evaluations}{of}".strip()]
    parts += [status.phase] if status.phase else []
    if status.best:
        best = ", ".join(f"{name} {number(value)}" for name, value in status.best.items())
        parts.append(f"best {best}" + (f" ({status.origin})" if status.origin else ""))
    if status.front_size is not None:
        parts.append(f"front {status.front_size}")
    if status.failures:
        parts.append(f"failed {status.failures}")
    if status.busy_fraction is not None:
        parts.append(f"busy {status.busy_fraction:.0%}")
    left = "" if status.remaining is None else f", {duration(status.remaining)} left"
    parts.append(duration(status.elapsed) + left)
    return " · ".join(parts)


@contextmanager
def progress(console: Console | None = None, *, every: float = 10.0) -> Iterator[Progress]:
    """A bar if `console` is a terminal, or plain lines. None: standard error."""
    from rich.console import Console

    console = console or Console(stderr=True)
    if console.is_terminal:
        live = LiveProgress(console)
        with live.bar:
            yield live
        return
    plain = PlainProgress(lambda text: console.print(text, markup=False, highlight=False, soft_wrap=True), every)
    try:
        yield plain
    finally:
        plain.finish()

"""What a live page is told: the parts that changed after it asked last.

Parts that take long take at most a twentieth of a core, so that the search keeps its cores.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from haemsa.cluster.report.page.at_work import at_work_parts, noted
from haemsa.cluster.report.page.live.followed import FollowedRun
from haemsa.cluster.report.page.parts import Parts, Workers, network_values, parts_now, slow_parts
from haemsa.cluster.report.page.plots.look import Hover
from haemsa.cluster.report.page.report import log_lines, page
from haemsa.cluster.report.page.trained import trained_part
from haemsa.cluster.report.record import SearchRecord

_REST: Final = 20.0
"""A step rests so many times as long as a core worked for it. Beside a search on all cores it waits for most of its
time, and that does not count."""


@dataclass
class _Step:
    """A way to make some parts. `about`: what they depend on; they are made again when it differs from `made_of`."""

    make: Callable[[], Parts]
    about: Callable[[], object]
    made_of: object = None
    ready: float = 0.0


class Feed:
    """The parts of the page of one search, each with the stamp of its last change.

    Args:
        run: the run directory.
        data: where the data of the search is now, if it has moved.
        ablated: a folder of `haemsa ablate`.
        model: the folder of a model that was trained from this search.
        clock: tells the time in seconds.
        worked: tells for how many seconds cores have worked for this process.

    Raises:
        ValueError: the run directory holds no search, or `model` is not of the search.
    """

    def __init__(
        self,
        run: Path,
        data: str | None = None,
        ablated: Path | None = None,
        model: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        worked: Callable[[], float] = time.process_time,
    ) -> None:
        self._run, self._data, self._ablated, self._model = FollowedRun(run), data, ablated, model
        self._clock, self._worked = clock, worked
        self._lock = threading.Lock()
        self._run.changed()
        self._record: SearchRecord
        self._workers: Workers
        self._record, self._workers = self._run.read()
        self._hover = Hover(list(self._record.objectives), self._record.full)
        self._version = 1
        self._stamp = int(time.time() * 1000)  # also grows when the server is started again
        self._html: dict[str, tuple[int, Any]] = {}
        self._plots: dict[str, tuple[int, Any]] = {}
        trained_part(self._record, model)  # a wrong folder is told at once
        self._steps = [
            _Step(self._now, lambda: self._version),
            _Step(lambda: slow_parts(self._record, self._hover), lambda: self._run.read_rows),
            _Step(self._at_work, lambda: (self._record.summary,)),
        ]

    def page(self) -> str:
        """The page. Parts that take long follow when it asks for news."""
        with self._lock:
            self._read()
            self._make(self._steps[:1])
            parts = Parts({n: html for n, (_, html) in self._html.items()}, {n: g for n, (_, g) in self._plots.items()})
            return page(self._record, parts, {}, self._stamp)

    def news(self, seen: int) -> dict[str, Any]:
        """What changed after the stamp `seen`, and the stamp now."""
        with self._lock:
            self._read()
            self._make(self._steps)
            since = seen if seen <= self._stamp else 0
            html, plots = (
                {name: value for name, (stamp, value) in known.items() if stamp > since}
                for known in (self._html, self._plots)
            )
            return {"seen": self._stamp, "html": html, "plots": plots}

    def network(self, number: int) -> dict[str, Any] | None:
        """What is shown of a candidate. None: there is no such candidate."""
        record = self._record
        row = next((row for row in record.rows if row.id == number), None)
        return None if row is None else network_values(record, row, self._hover)

    def _read(self) -> None:
        if not self._run.changed():
            return
        self._record, self._workers = self._run.read()
        self._hover.objectives, self._hover.full = list(self._record.objectives), self._record.full
        self._version += 1

    def _make(self, steps: list[_Step]) -> None:
        """Make what is out of date, unless it must rest. At the end of a search nothing rests."""
        for step in steps:
            about, before = step.about(), self._worked()
            unknown = step.made_of is None or self._record.summary is not None
            if about == step.made_of or (self._clock() < step.ready and not unknown):
                continue
            self._keep(step.make())
            step.made_of = about
            step.ready = self._clock() + _REST * (self._worked() - before)

    def _keep(self, parts: Parts) -> None:
        """Give a new stamp to what is not as it was."""
        stamp = max(self._stamp + 1, int(time.time() * 1000))
        for known, made in ((self._html, parts.html), (self._plots, parts.plots)):
            for name, value in made.items():
                if name not in known or known[name][1] != value:
                    known[name], self._stamp = (stamp, value), stamp

    def _now(self) -> Parts:
        parts = parts_now(self._record, self._hover, self._workers, log_lines(self._run.path))
        return parts | trained_part(self._record, self._model)

    def _at_work(self) -> Parts:
        try:
            return at_work_parts(self._record, self._data, self._ablated)
        except (ValueError, OSError) as error:  # the search goes on all the same
            return noted(f"No pictures of the best network at work: {error}.")

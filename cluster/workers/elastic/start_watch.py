"""Says when workers wait for cores or GPUs, and when the work goes on. Ray itself waits silently."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)
PATIENCE: Final = 10.0
"""Seconds that workers may wait before a word is said."""
AGAIN: Final = 60.0
"""Seconds between words while there is no worker at all."""


class StartWatch:
    """Is told now and then how many workers wait.

    Args:
        needs: What a worker needs, in words.
        free: How much of that is free, in words.
        longest: Seconds without any worker, after which nodes that should come are not awaited any longer.
        now: The time in seconds.
    """

    def __init__(
        self,
        needs: str,
        free: Callable[[], str],
        longest: float = math.inf,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._needs, self._free, self._longest, self._now = needs, free, longest, now
        self._since: float | None = None
        self._none_since: float | None = None
        self._said: float | None = None
        self._idle = False

    def look(self, waiting: int, workers: int, *, grows: bool = False) -> None:
        """Of all `workers`, so many wait for their cores and GPUs. `grows`: nodes should come for them.

        Raises:
            ValueError: No worker has come for too long.
        """
        if self._idle and waiting < workers:
            log.warning("the work goes on with %d of %d workers", workers - waiting, workers)
            self._idle = False
        now, none = self._now(), waiting == workers
        self._none_since = (now if self._none_since is None else self._none_since) if none and waiting else None
        if grows and self._none_since is not None and now >= self._none_since + self._longest:
            raise ValueError(
                f"no worker has come within {self._longest:g} seconds: a worker needs {self._needs}, but "
                f"{self._free()}; expected a node that has it, or a longer node_timeout"
            )
        if not waiting:
            self._since = self._said = None
            return
        self._since = now if self._since is None else self._since
        if now < self._since + PATIENCE if self._said is None else not none or now < self._said + AGAIN:
            return
        who = "the work waits" if none else f"{waiting} of {workers} workers wait"
        log.warning("%s for %s: %s", who, self._needs, self._free())
        self._said, self._idle = now, none

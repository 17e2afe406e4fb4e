"""Says when workers wait for cores or GPUs that others use, and when the work goes on. Ray itself waits silently."""

from __future__ import annotations

import logging
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
        now: The time in seconds.
    """

    def __init__(self, needs: str, free: Callable[[], str], now: Callable[[], float] = time.monotonic) -> None:
        self._needs, self._free, self._now = needs, free, now
        self._since: float | None = None
        self._said: float | None = None
        self._idle = False

    def look(self, waiting: int, workers: int) -> None:
        """Of all `workers`, so many wait for their cores and GPUs."""
        if self._idle and waiting < workers:
            log.warning("the work goes on with %d of %d workers", workers - waiting, workers)
            self._idle = False
        if not waiting:
            self._since = self._said = None
            return
        now = self._now()
        self._since = now if self._since is None else self._since
        none = waiting == workers
        if now < self._since + PATIENCE if self._said is None else not none or now < self._said + AGAIN:
            return
        who = "the work waits" if none else f"{waiting} of {workers} workers wait"
        log.warning("%s for %s: %s", who, self._needs, self._free())
        self._said, self._idle = now, none


def needs(cpus: float, gpus: float) -> str:
    """What a worker needs, in words.

    Example:
        >>> needs(1.0, 0.0), needs(1.0, 0.25)
        ('a core', 'a core and 0.25 GPUs')
    """
    cores = "a core" if cpus == 1 else f"{cpus:g} cores"
    return f"{cores} and {gpus:g} GPUs" if gpus else cores

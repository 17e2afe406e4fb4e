"""What is logged: shown to who follows a search, or kept of each of several searches."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from haemsa.cluster.shared.progress import Progress

BESIDE: Final = "beside"
"""The names of threads of searches that run beside each other begin so. None of them logs what another one does."""


@contextmanager
def informed() -> Iterator[logging.Logger]:
    """While the block runs, the logger `haemsa` gives what has level INFO and above."""
    logger = logging.getLogger("haemsa")
    before = logger.level
    logger.setLevel(min(before, logging.INFO) if before else logging.INFO)
    try:
        yield logger
    finally:
        logger.setLevel(before)


@contextmanager
def warnings_noted(progress: Progress, name: str) -> Iterator[None]:
    """While the block runs, warnings of the logger `name`, and of those below it, are also notes of `progress`."""
    logger, handler = logging.getLogger(name), _Notes(progress)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Notes(logging.Handler):
    def __init__(self, progress: Progress) -> None:
        super().__init__(logging.WARNING)
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        self._progress.note(record.getMessage())

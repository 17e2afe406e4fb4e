"""What is logged as a warning, shown to who follows a search."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from haemsa.cluster.shared.progress import Progress


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

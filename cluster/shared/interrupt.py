"""Ctrl-C and SIGTERM: once to end cleanly, twice to end now."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible() -> Iterator[None]:
    """While the block runs, the first signal is a KeyboardInterrupt in it; the second ends the process at once.

    Nothing is lost either way: what a search keeps is whole on disk at every instant. Enter it once Ray runs, which
    has a handler of its own that aborts. In a thread other than the main one nothing changes: Python allows no more.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: Any) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        raise KeyboardInterrupt

    before = [signal.signal(number, interrupt) for number in SIGNALS]
    try:
        yield
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)

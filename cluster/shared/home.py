"""A home for a command. In a container any user id may run, often without a home, or with one that it may not write."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def some_home() -> Iterator[None]:
    """A home while the block runs. Without one, Ray Tune, MLflow and matplotlib fail or warn.

    A home that exists stays, but matplotlib keeps its files elsewhere if it cannot be written.
    """
    home = _home()
    if home is not None and os.access(home, os.W_OK):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="haemsa-home-", ignore_cleanup_errors=True) as folder:
        given = {} if home else {"HOME": folder}
        given |= {} if "MPLCONFIGDIR" in os.environ else {"MPLCONFIGDIR": folder}
        os.environ |= given
        try:
            yield
        finally:
            for name in given:
                del os.environ[name]


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None

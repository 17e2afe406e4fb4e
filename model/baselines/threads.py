"""Libraries that use one thread for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module


@contextmanager
def on_one_thread(*libraries: str) -> Iterator[None]:
    """Let libraries use one thread: on a busy machine several wait for each other and take ten times as long or more.

    Args:
        libraries: modules that are loaded first, because only the threads of what is loaded can be limited.
    """
    from threadpoolctl import threadpool_limits

    for library in libraries:
        import_module(library)
    with threadpool_limits(1):
        yield

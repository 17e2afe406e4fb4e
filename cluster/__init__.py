"""Runs a search: evaluators, the driver, records and the commands.

What is meant for use from Python is listed in cluster/library.py, and can be imported from here. It loads when it is
asked for: `import cluster` alone loads nothing.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cluster.library import *  # noqa: F403


def __getattr__(name: str) -> Any:
    module = name.startswith("_") or find_spec(f"{__name__}.{name}") is not None  # who asks for one imports it
    library = None if module else import_module("cluster.library")
    if library is None or name not in library.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(library, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *import_module("cluster.library").__all__})

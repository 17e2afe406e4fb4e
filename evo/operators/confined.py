"""DEAP's operators draw from the global generators of Python and numpy. Here these are lent to a search for a while.

So the same seed gives the same search, and a caller's own random numbers stay as they were, also with several searches
in threads of one process. Inside, DEAP's own modules draw from a `random.Random` of their own, because threads of other
libraries (MLflow, Ray) draw from the global one at any time.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from deap import algorithms, gp, tools

_LOCK: Final = threading.RLock()  # the global generators are one for all threads
_DRAWING: Final[tuple[Any, ...]] = tuple(
    part for part in (algorithms, gp, *vars(tools).values()) if getattr(part, "random", None) is random
)
"""DEAP's modules that draw from `random`."""


@contextmanager
def confined(rng: np.random.Generator) -> Iterator[None]:
    """Inside, DEAP, `random` and `numpy.random` are seeded from `rng`. After it they are as they were before.

    Example:
        >>> drawn = []
        >>> for _ in range(2):
        ...     with confined(np.random.default_rng(0)):
        ...         drawn.append((random.random(), source().random()))
        >>> drawn[0] == drawn[1]
        True
    """
    with _LOCK:
        plain, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002
        sources = [module.random for module in _DRAWING]
        own = random.Random(int(rng.integers(2**63)))
        random.seed(int(rng.integers(2**63)))
        np.random.seed(int(rng.integers(2**32)))  # noqa: NPY002
        try:
            for module in _DRAWING:
                module.random = own
            yield
        finally:
            for module, before in zip(_DRAWING, sources, strict=True):
                module.random = before
            random.setstate(plain)
            np.random.set_state(arrays)  # noqa: NPY002


def source() -> random.Random:
    """Where DEAP draws: inside `confined` a generator of its own, otherwise Python's `random`."""
    drawing: random.Random = algorithms.random
    return drawing


def generator() -> np.random.Generator:
    """A numpy generator, seeded from `source`: for an operator that draws from one."""
    return np.random.default_rng(source().getrandbits(64))

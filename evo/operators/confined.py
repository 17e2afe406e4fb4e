"""DEAP's operators draw from the global generators of Python and numpy. Here these are lent to a search for a while.

Nothing else of a search draws from them. So the same seed gives the same search, and a caller's own random numbers stay
as they were, also with several searches in threads of one process.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np

_LOCK: Final = threading.RLock()  # the global generators are one for all threads


@contextmanager
def confined(rng: np.random.Generator) -> Iterator[None]:
    """Inside, `random` and `numpy.random` are seeded from `rng`. After it they are as they were before.

    Example:
        >>> drawn = []
        >>> for _ in range(2):
        ...     with confined(np.random.default_rng(0)):
        ...         drawn.append(random.random())
        >>> drawn[0] == drawn[1]
        True
    """
    with _LOCK:
        plain, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002
        random.seed(int(rng.integers(2**63)))
        np.random.seed(int(rng.integers(2**32)))  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(plain)
            np.random.set_state(arrays)  # noqa: NPY002


def generator() -> np.random.Generator:
    """A numpy generator, seeded from `random`: for an operator that draws from one. Call it inside `confined`."""
    return np.random.default_rng(random.getrandbits(64))

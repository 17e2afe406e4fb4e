"""How many samples a training step has."""

from __future__ import annotations

from typing import Final, Literal

BATCHES: Final = (16, 32, 64, 128)
STEPS: Final = 80
"""An epoch has at least so many training steps, unless the data is too small even for the smallest batches."""


def fit_batch(asked: int | Literal["auto"], samples: int) -> int:
    """Samples per training step.

    With more data, networks become about as good with larger batches, in less than half the time
    (tests/bench/README.md).

    Args:
        asked: The number itself; auto: as many as leave an epoch its `STEPS`.
        samples: Of an epoch.

    Example:
        >>> fit_batch("auto", 3000), fit_batch("auto", 100), fit_batch(48, 100)
        (32, 16, 48)
    """
    if asked != "auto":
        return asked
    return max((size for size in BATCHES if samples >= STEPS * size), default=BATCHES[0])

"""How many samples a training step takes."""

from __future__ import annotations

from typing import Final, Literal

BATCHES: Final = (16, 32, 64, 128)
STEPS: Final = 80
"""Training steps that an epoch has at least, unless the data is too small for that with the smallest batches."""


def fit_batch(asked: int | Literal["auto"], samples: int) -> int:
    """Samples per training step, as asked; auto: the most that leave an epoch of so many samples its steps.

    Where there is more data, networks become about as good with larger batches, in less than half the time
    (tests/bench/README.md).
    """
    if asked != "auto":
        return asked
    return max((size for size in BATCHES if samples >= STEPS * size), default=BATCHES[0])

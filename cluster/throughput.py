"""How many networks a worker's own device trains fastest together: measured in a few seconds, not guessed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from model.data.folds import Folds
from model.spec import Genome

if TYPE_CHECKING:
    from model.pool import Pool

SIZES: Final = (8, 16, 32, 64, 128, 256, 512)
GAIN: Final = 1.1
"""A larger cohort must train so many times more networks a second: it also learns later what others found."""
STEPS: Final = 6
LONGEST: Final = 4.0


def fastest_cohort(genomes: Sequence[Genome], pool: Pool, batch_size: int, seed: int) -> int:
    """The cohort size that trains most networks per second; out of memory ends the trial of larger ones."""
    few = np.random.default_rng(seed).permutation(len(pool))[: STEPS * batch_size]
    held_out = np.ones((1, len(pool)), dtype=bool)
    held_out[0, few] = False
    folds = Folds(held_out, "measure")

    def seconds(size: int) -> float:
        from model.cohort import Row
        from model.training import TrainingSettings, train

        rows = [Row(genomes[number % len(genomes)], number) for number in range(size)]
        start = time.perf_counter()
        train(rows, pool, folds, TrainingSettings(batch_size), until=[1] * size)
        return time.perf_counter() - start

    seconds(SIZES[0])  # the first run pays for what torch sets up
    return choose(seconds)


def choose(seconds: Callable[[int], float]) -> int:
    """The smallest size that no larger one beats by `GAIN`, from the seconds that a cohort of each size takes."""
    best, rate, spent = SIZES[0], 0.0, 0.0
    for size in SIZES:
        try:
            took = seconds(size)
        except (MemoryError, RuntimeError) as error:  # torch's out of memory is a RuntimeError
            if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
                break
            raise
        spent += took
        if size / took < GAIN * rate:
            break
        best, rate = size, size / took
        if spent > LONGEST:
            break
    return best

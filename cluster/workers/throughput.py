"""How many networks the device of a worker trains fastest together. It is measured in a few seconds, not guessed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from haemsa.cluster.workers.limits import is_out_of_memory
from haemsa.model.data.folds import Folds
from haemsa.model.spec.genome import Genome

if TYPE_CHECKING:
    from haemsa.model.data.dataset import Dataset

SIZES: Final = (8, 16, 32, 64, 128, 256, 512)
FIRST_ON_GPU: Final = 64
"""The smallest size that is tried on a GPU. A step there takes nearly as long for few networks as for many."""
GAIN: Final = 1.3
"""A cohort that is twice as large must train so many times more networks a second.

With twice as many genomes in training, a search needs 1.3 to 1.5 times the evaluations, because each genome is bred
from older results (tests/bench/driver/bench_scale.py).
"""
STEPS: Final = 6
"""Training steps that are measured."""
LONGEST: Final = 4.0
"""Seconds after which no larger cohort is tried."""


def fastest_cohort(genomes: Sequence[Genome], data: Dataset, batch_size: int, seed: int, device: str) -> int:
    """The cohort size that trains most networks per second. No larger one is tried after one that lacks memory."""
    from haemsa.model.network.cohort import CohortRow
    from haemsa.model.training.pool import Pool
    from haemsa.model.training.train import TrainingSettings, train

    few = np.random.default_rng(seed).permutation(len(data))[: (STEPS + 1) * batch_size]
    pool = Pool.of(data.take(few), device)
    held_out = np.arange(len(few)) >= len(few) * STEPS // (STEPS + 1)
    folds = Folds(held_out[None], "measure")

    on_gpu = pool.device.type == "cuda"
    settings, epochs = TrainingSettings(batch_size), 3 if on_gpu else 1
    sizes = [size for size in SIZES if size >= FIRST_ON_GPU] if on_gpu else SIZES

    def seconds(size: int) -> float:
        """Of the shortest epoch: on a GPU the first one records its steps, and scores take time after the last."""
        rows = [CohortRow(genomes[number % len(genomes)], number) for number in range(size)]
        ends = [time.perf_counter()]
        train(rows, pool, folds, settings, lambda _: ends.append(time.perf_counter()), until=[epochs] * size)
        return float(np.diff(ends).min())

    seconds(sizes[0])  # the first run pays for what torch sets up
    return choose(seconds, sizes)


def choose(seconds: Callable[[int], float], sizes: Sequence[int] = SIZES) -> int:
    """The largest size that is worth its `GAIN` over the one before. `seconds`: what an epoch of such a cohort takes.

    Example:
        >>> choose({8: 1.0, 16: 1.1, 32: 1.2, 64: 2.4}.get, [8, 16, 32, 64])
        32
    """
    best, rate, spent = sizes[0], 0.0, 0.0
    for size in sizes:
        try:
            took = seconds(size)
        except (MemoryError, RuntimeError) as error:
            if is_out_of_memory(error):
                break
            raise
        spent += took
        if size / took < GAIN * rate:
            break
        best, rate = size, size / took
        if spent > LONGEST:
            break
    return best

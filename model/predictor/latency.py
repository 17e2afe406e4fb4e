"""How long a trained network takes to predict one sample, as it is served: alone, and in batches of one.

Other processes disturb a measurement. So a sample is predicted many times, and the median counts.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Final

import numpy as np
import torch

from haemsa.model.network.batch import Batch
from haemsa.model.predictor.baking import bake
from haemsa.model.predictor.joined import joined
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.pool import Pool
from haemsa.model.training.train import TrainedRow

SAMPLES: Final = 16
"""Samples that are predicted in turn. They have as many time steps as in the data."""
WARM_UP: Final = 0.03
"""Seconds before the first pass that counts, with at least `LEAST` passes."""
LONGEST: Final = 0.2
"""Seconds after which no further pass is measured, if there are `LEAST`."""
LEAST: Final = 3
SURE: Final = 0.02
"""No further pass is measured once the standard error is this share of the median, and each sample had `TURNS`."""
TURNS: Final = 3
_ERROR_OF_MEDIAN: Final = math.sqrt(math.pi / 2)
"""The standard error of a median, in standard errors of a mean, if passes are normally distributed."""
_QUARTILES: Final = 1.349
"""From the first to the third quartile, in standard deviations of a normal distribution. Outliers hardly move it."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds that one sample takes: the `median` of so many `passes`, and its standard `error`."""

    median: float
    error: float
    passes: int


class LatencyMeter:
    """Measures networks that were trained on a pool, on its device. All networks predict the same samples."""

    def __init__(self, pool: Pool, statistics: FoldStatistics, now: Callable[[], float] = time.perf_counter) -> None:
        """Read the samples.

        Args:
            pool: The samples that networks were trained on.
            statistics: The statistics of the folds that they were trained on.
            now: The time in seconds.
        """
        self._pool, self._statistics, self._now = pool, statistics, now
        chosen = np.unique(np.linspace(0, len(pool) - 1, SAMPLES).round().astype(np.int64))
        self._batches = [pool.batch(np.array([index])) for index in chosen]

    def measure(self, trained: TrainedRow) -> Latency:
        """The latency of a trained network."""
        weights = bake(trained.row, trained.weights, self._statistics)
        network, _ = joined([(trained.row.genome, weights)], self._pool.schema)
        network.to(self._pool.device)

        def predict(batch: Batch) -> None:
            network(batch)
            if self._pool.device.type == "cuda":
                torch.cuda.synchronize(self._pool.device)

        with torch.inference_mode():
            return latency(predict, self._batches, self._now)


def latency(predict: Callable[[Batch], object], batches: Sequence[Batch], now: Callable[[], float]) -> Latency:
    """The latency of `predict`, over batches in turn, after a warm-up.

    Args:
        predict: Predicts a batch, and returns when the prediction is there.
        batches: One sample in each.
        now: The time in seconds.
    """
    begin = now()
    for count, batch in enumerate(cycle(batches), 1):
        predict(batch)
        if count >= LEAST and now() - begin >= WARM_UP:
            break
    seconds: list[float] = []
    begin = end = now()
    for batch in cycle(batches):
        start = now()
        predict(batch)
        end = now()
        seconds.append(end - start)
        if end - begin >= LONGEST and len(seconds) >= LEAST:
            break
        whole = len(seconds) % len(batches) == 0 and len(seconds) >= TURNS * len(batches)
        if whole and _error(seconds) <= SURE * float(np.median(seconds)):
            break
    return Latency(1e3 * float(np.median(seconds)), 1e3 * _error(seconds), len(seconds))


def _error(seconds: Sequence[float]) -> float:
    """The standard error of the median."""
    low, high = np.quantile(seconds, [0.25, 0.75])
    return float(_ERROR_OF_MEDIAN * (high - low) / _QUARTILES / math.sqrt(len(seconds)))

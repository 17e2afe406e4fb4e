"""The time that one sample takes: a median of many passes, within bounds, whatever disturbs it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from haemsa.model.data.builtin.planted import planted
from haemsa.model.data.folds import holdout
from haemsa.model.data.normalisation import Normalisation
from haemsa.model.network.cohort import CohortRow
from haemsa.model.predictor.latency import LEAST, LONGEST, SAMPLES, TURNS, WARM_UP, Latency, LatencyMeter, latency
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from haemsa.model.training.fold_statistics import FoldStatistics
from haemsa.model.training.pool import Pool
from haemsa.model.training.train import TrainedRow, train

BATCHES: Sequence[Any] = ["a", "b"]


class Clock:
    """A clock that a prediction moves, by the given seconds in turn."""

    def __init__(self, *seconds: float) -> None:
        self.time, self.passes = 0.0, 0
        self._seconds = itertools.cycle(seconds)

    def predict(self, _: Any) -> None:
        self.time, self.passes = self.time + next(self._seconds), self.passes + 1

    def measured(self) -> Any:
        return latency(self.predict, BATCHES, lambda: self.time)


def test_equal_passes_end_as_soon_as_each_sample_had_its_turns() -> None:
    clock = Clock(0.01)
    found = clock.measured()
    assert math.isclose(found.median, 10.0, rel_tol=1e-9)
    assert (found.error < 1e-9, found.passes, clock.passes) == (True, TURNS * len(BATCHES), TURNS * len(BATCHES) + 3)


def test_a_pass_that_another_process_delays_does_not_move_the_median() -> None:
    quiet, disturbed = Clock(0.001).measured(), Clock(*[0.001] * 9, 0.05).measured()
    assert math.isclose(quiet.median, disturbed.median, rel_tol=1e-9)


def test_the_error_is_that_of_a_median_by_the_quartiles() -> None:
    clock = Clock(0.010, 0.014)  # half and half: the quartiles are 10 and 14 ms
    found = clock.measured()
    expected = math.sqrt(math.pi / 2) * 4.0 / 1.349 / math.sqrt(found.passes)
    assert abs(found.error - expected) < 0.05 * expected


def test_a_slow_network_is_measured_only_a_few_times() -> None:
    clock = Clock(1.0, 2.0)
    assert (clock.measured().passes, clock.passes) == (LEAST, 2 * LEAST)
    noisy = Clock(0.001, 0.1, 0.02)
    noisy.measured()
    assert noisy.time < WARM_UP + LONGEST + 0.3


def measured(device: str) -> tuple[Latency, LatencyMeter, Pool]:
    data = planted(sizes=(40, 20, 20))
    pool, folds = Pool.of(Normalisation.fit(data).apply(data.pool()), device), holdout(data.pool())
    meter = LatencyMeter(pool, FoldStatistics.fit(pool, folds))
    return meter.measure(trained(pool, folds)), meter, pool


def trained(pool: Pool, folds: Any) -> TrainedRow:
    genome = Genome(NetworkSpec(8, (EncoderSpec("text", "attention"),), ()), TrainingGenes(epochs=1))
    (row,) = train([CohortRow(genome, 0, 0)], pool, folds)
    assert isinstance(row, TrainedRow)
    return row


def test_a_trained_network_is_measured_on_single_samples_with_their_real_time_steps() -> None:
    found, meter, pool = measured("cpu")
    assert found.median > 0 and math.isfinite(found.error) and found.passes >= LEAST
    steps: Callable[[Any], tuple[int, ...]] = lambda batch: batch.steps["text"].blocks[0]  # noqa: E731
    chosen = np.unique(np.linspace(0, len(pool) - 1, SAMPLES).round().astype(int))
    assert [steps(batch) for batch in meter._batches] == [(1, max(1, pool.lengths["text"][index])) for index in chosen]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU")
def test_a_gpu_is_waited_for() -> None:
    found, *_ = measured("cuda")
    assert found.median > 0 and math.isfinite(found.error)

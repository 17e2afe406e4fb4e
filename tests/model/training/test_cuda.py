"""A GPU trains as the CPU does. Runs where torch finds one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from haemsa.model.network.cohort import CohortRow
from haemsa.model.training.pool import Pool, batches
from haemsa.model.training.train import TrainedRow, TrainingSettings, train
from tests.support.model.random_genomes import random_rows, small_dataset, three_folds

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU")

DATA = small_dataset()
FOLDS = three_folds(60)
EXACT = TrainingSettings(dtype=torch.float64, missing=True)


def trained(
    rows: list[CohortRow], device: str, settings: TrainingSettings = EXACT, **options: object
) -> list[TrainedRow]:
    found = train(rows, Pool.of(DATA, device), FOLDS, settings, **options)  # type: ignore[arg-type]
    assert all(isinstance(row, TrainedRow) for row in found)
    return found  # type: ignore[return-value]


def assert_same(on_gpu: list[TrainedRow], on_cpu: list[TrainedRow]) -> None:
    for here, there in zip(on_gpu, on_cpu, strict=True):
        for name, values in there.weights.items():
            assert here.weights[name].device.type == "cpu"
            torch.testing.assert_close(here.weights[name], values, rtol=1e-4, atol=1e-6)
        for shown, outputs in there.shown.items():
            for task, values in outputs.items():
                np.testing.assert_allclose(here.shown[shown][task], values, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("seed", range(12))
def test_random_networks_train_in_double_precision_as_on_the_cpu(seed: int) -> None:
    rows = random_rows(6, seed, folds=3)
    assert_same(trained(rows, "cuda"), trained(rows, "cpu"))


def test_batches_of_two_sizes_train_in_one_recording_as_on_the_cpu() -> None:
    rows, settings = random_rows(6, 5, folds=3, epochs=3), dataclasses.replace(EXACT, batch_size=7)
    assert {len(batch) for batch in batches(FOLDS.trained, 7, 0, 0)} == {6, 7}
    assert_same(trained(rows, "cuda", settings), trained(rows, "cpu", settings))


def test_rows_that_leave_early_are_predicted_by_the_network_of_all() -> None:
    rows = [row for epochs in (2, 3, 5) for row in random_rows(2, epochs, folds=3, epochs=epochs)]
    assert_same(trained(rows, "cuda"), trained(rows, "cpu"))


def test_a_row_goes_on_from_a_checkpoint_on_a_gpu() -> None:
    rows = random_rows(6, 100, folds=3, epochs=4)
    halves = trained(rows, "cuda", until=[2] * 6)
    assert_same(trained(rows, "cuda", starts=[half.checkpoint for half in halves]), trained(rows, "cpu"))


def test_lower_precision_of_a_gpu_predicts_nearly_the_same() -> None:
    rows = random_rows(16, 7, folds=3)
    fast = dataclasses.replace(EXACT, dtype=torch.float32)
    for here, there in zip(trained(rows, "cuda", fast), trained(rows, "cpu", fast), strict=True):
        for task, values in there.outputs.items():
            spread = max(float(values.std()), 0.1)
            assert float(np.abs(here.outputs[task] - values).mean()) < 0.1 * spread

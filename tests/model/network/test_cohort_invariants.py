"""A population is a tensor, and no genome can tell."""

from typing import get_args

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from haemsa.model.cost import cost
from haemsa.model.network.cohort import Cohort, CohortRow
from haemsa.model.network.cohort_network import CohortNetwork
from haemsa.model.network.weights import Weights, insert
from haemsa.model.spec.network import ExpertKind
from haemsa.model.training.train import TrainingSettings, train
from tests.support.model.cohort_tools import POOL, full_batch, network_of, one_step, padding, row_weights, shake
from tests.support.model.random_genomes import SCHEMA, random_genome, random_rows, three_folds

FOLDS = three_folds(len(POOL))


def largest_difference(found: Weights, expected: Weights) -> float:
    assert found.keys() == expected.keys()
    return max(float((found[name] - expected[name]).abs().max()) for name in expected)


def kinds_of(rows: list[CohortRow]) -> set[str]:
    return {expert.kind for row in rows for level in row.genome.network.levels for expert in level.experts}


@pytest.mark.parametrize("seed", [0, 5, 8])
def test_random_cohorts_have_experts_of_every_kind(seed: int) -> None:
    assert kinds_of(random_rows(16, seed, folds=3)) == set(get_args(ExpertKind))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("step", [None, 3], ids=["calm", "with noise"])
def test_outputs_and_gradients_in_a_cohort_are_those_alone(seed: int, step: int | None) -> None:
    rows = random_rows(16, seed, folds=3)
    together = network_of(rows)
    shake(together)
    found = one_step(together, step)
    for place, row in enumerate(rows):
        lone = network_of([row])
        shake(lone)
        alone = one_step(lone, step)
        for task, outputs in alone.outputs.items():
            torch.testing.assert_close(found.outputs[task][place], outputs[0], rtol=1e-9, atol=1e-9)
        assert abs(float(found.total[place] - alone.total[0])) < 1e-9
        for name, gradient in alone.gradients[0].items():
            torch.testing.assert_close(found.gradients[place][name], gradient, rtol=1e-8, atol=1e-8)


def test_outputs_and_gradients_in_a_cohort_are_those_alone_in_single_precision() -> None:
    rows = random_rows(16, 0, folds=3)
    found = one_step(network_of(rows, torch.float32), 3, torch.float32)
    for place, row in enumerate(rows):
        alone = one_step(network_of([row], torch.float32), 3, torch.float32)
        for task, outputs in alone.outputs.items():
            torch.testing.assert_close(found.outputs[task][place], outputs[0], rtol=1e-5, atol=1e-5)
        for name, gradient in alone.gradients[0].items():
            torch.testing.assert_close(found.gradients[place][name], gradient, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_rows_trained_together_end_as_those_trained_alone(dtype: torch.dtype) -> None:
    rows = random_rows(16, 5, folds=3)  # of one to four epochs each
    settings = TrainingSettings(batch_size=16, dtype=dtype)
    together = train(rows, POOL, FOLDS, settings)
    for row, found in zip(rows, together, strict=True):
        (alone,) = train([row], POOL, FOLDS, settings)
        for task, outputs in alone.outputs.items():
            np.testing.assert_allclose(found.outputs[task], outputs, atol=1e-3)
        if dtype == torch.float64:  # in single precision, weights without influence drift apart under Adam
            assert largest_difference(found.weights, alone.weights) < 1e-9


@pytest.mark.slow
def test_the_order_of_rows_does_not_matter() -> None:
    rows = random_rows(6, 6, folds=3)
    settings = TrainingSettings(batch_size=16, dtype=torch.float64)
    forwards, backwards = train(rows, POOL, FOLDS, settings), train(rows[::-1], POOL, FOLDS, settings)
    for found, same in zip(forwards, backwards[::-1], strict=True):
        assert found.row == same.row
        assert largest_difference(found.weights, same.weights) < 1e-9


@pytest.mark.slow
def test_padding_stays_exactly_zero_over_240_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    from haemsa.model.training import train as training

    seen: list[tuple[float, int]] = []

    class Watched(training._Run):
        def train_epoch(self, epoch_batches: list[np.ndarray]) -> None:
            super().train_epoch(epoch_batches)
            extra = padding(self.stepper.network)
            moments = [array.abs().sum() for array in self.optimizer.state()]
            assert all(torch.isfinite(total) for total in moments)
            seen.append((float(extra.abs().sum()), len(extra)))

    monkeypatch.setattr(training, "_Run", Watched)
    rows = random_rows(4, 13, folds=3, epochs=16, dropout=0.2)
    assert kinds_of(rows) >= {"cross_attention", "tensor"}
    train(rows, POOL, FOLDS, TrainingSettings(batch_size=4))
    assert len(seen) * len(FOLDS.trained) / 4 >= 240
    assert all(count > 20 for _, count in seen)
    assert {total for total, _ in seen} == {0.0}


def test_a_network_trimmed_out_of_a_cohort_predicts_the_same() -> None:
    rows = random_rows(16, 8, folds=3)
    together = network_of(rows)
    shake(together)
    batch = POOL.batch(np.arange(len(POOL)), torch.float64)
    outputs = together(batch).outputs
    for place, (row, weights) in enumerate(zip(rows, row_weights(together, len(rows)), strict=True)):
        lone = network_of([row])
        insert(lone, [weights])
        for task, values in lone(batch).outputs.items():
            torch.testing.assert_close(outputs[task][place], values[0], rtol=1e-10, atol=1e-10)


def test_cost_is_what_torch_counts() -> None:
    rng = np.random.default_rng(9)
    for _ in range(60):
        genome = random_genome(rng)
        network = CohortNetwork(Cohort([CohortRow(genome, 0)], SCHEMA)).double()
        counter = FlopCounterMode(display=False)
        with counter, torch.no_grad():
            network(full_batch(count=3))
        expected = cost(genome.network, SCHEMA)
        assert sum(parameter.numel() for parameter in network.parameters()) == expected["params"]
        levels, tokens = genome.network.levels, len(genome.network.encoders) + 1
        products = sum(tokens * len(level.experts) for level in levels)
        for encoder in genome.network.encoders:
            if encoder.kind == "convolution":
                products += SCHEMA.modalities[encoder.modality][0] * encoder.kernel
        # To mix experts and to convolve is no product of matrices, so torch does not count it.
        assert counter.get_total_flops() + 3 * 2 * products * genome.network.width == 3 * expected["flops"]

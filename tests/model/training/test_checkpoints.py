"""Stopping and going on: a row ends as if it had never stopped, with any neighbours."""

import numpy as np
import pytest
import torch

from haemsa.model.network.cohort import CohortRow
from haemsa.model.spec.network import ExpertSpec
from haemsa.model.training.plan import Checkpoint
from haemsa.model.training.train import FailedRow, TrainedRow, TrainingSettings, train
from tests.support.model.cohort_tools import POOL, genome, level
from tests.support.model.random_genomes import random_genome, three_folds

pytestmark = pytest.mark.slow

FOLDS = three_folds(len(POOL))
EXACT = TrainingSettings(batch_size=16, dtype=torch.float64)
EXPERTS = level(ExpertSpec(("text", "audio")), ExpertSpec(("audio",), "gated"), kind="top_k", noise=0.5)
ROW = CohortRow(genome(EXPERTS, epochs=9, dropout=0.2), 3, 1)


def rows_of(count: int, seed: int, epochs: int = 9) -> list[CohortRow]:
    rng = np.random.default_rng(seed)
    return [CohortRow(random_genome(rng, epochs=epochs), seed + place, place % 3) for place in range(count)]


def trained(rows: list[CohortRow], **plan: object) -> list[TrainedRow]:
    results = train(rows, POOL, FOLDS, EXACT, **plan)
    assert all(isinstance(result, TrainedRow) for result in results)
    return results


def points(results: list[TrainedRow]) -> list[Checkpoint]:
    found = [result.checkpoint for result in results]
    assert all(point is not None for point in found)
    return found


def assert_same(found: TrainedRow, expected: TrainedRow) -> None:
    assert found.row == expected.row
    for name, values in expected.weights.items():
        torch.testing.assert_close(found.weights[name], values, rtol=1e-9, atol=1e-9)
    # Two experts whose logits are equal but for rounding may change places at the edge of top-k.
    levels = expected.row.genome.network.levels
    if not any(item.gate.kind == "top_k" and item.gate.k < len(item.experts) for item in levels):
        for task, outputs in expected.outputs.items():
            np.testing.assert_allclose(found.outputs[task], outputs, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_training_in_two_goes_is_training_in_one(seed: int) -> None:
    rows = rows_of(6, seed)
    whole = trained(rows)
    early = points(trained(rows, until=[3] * 6))
    strangers = rows_of(3, seed + 100)  # other neighbours, and fewer of them
    late = trained([*strangers, *rows[::2]], starts=[None] * 3 + early[::2])
    for found, expected in zip(late[3:], whole[::2], strict=True):
        assert_same(found, expected)


def test_among_the_same_neighbours_there_is_not_a_bit_of_difference() -> None:
    rows = [ROW, *rows_of(3, 11)]
    late = trained(rows, starts=points(trained(rows, until=[4] * 4)))
    for found, expected in zip(late, trained(rows), strict=True):
        assert all(torch.equal(found.weights[name], values) for name, values in expected.weights.items())
        assert all(np.array_equal(found.outputs[task], values) for task, values in expected.outputs.items())


def test_rows_may_start_and_stop_at_different_epochs() -> None:
    rows = rows_of(4, 7)
    whole = trained(rows)
    first = points(trained(rows, until=[1, 2, 4, 3]))
    second = trained(rows, starts=[first[0], None, first[2], first[3]], until=[2, 2, 9, None])
    assert [row.checkpoint and row.checkpoint.epochs for row in second] == [2, 2, None, None]
    third = trained(rows[:2], starts=points(second[:2]))
    for found, expected in zip([*third, *second[2:]], whole, strict=True):
        assert_same(found, expected)


def test_a_stop_at_the_first_averaged_epoch_is_early_enough() -> None:
    (whole,) = trained([ROW])
    (point,) = points(trained([ROW], until=[5]))  # epochs 5 to 9 are averaged
    assert_same(trained([ROW], starts=[point])[0], whole)


def test_a_stopped_row_answers_with_the_weights_of_its_own_last_half() -> None:
    shorter = CohortRow(genome(EXPERTS, epochs=4, dropout=0.2), 3, 1)
    (stopped,), (short,) = trained([ROW], until=[4]), trained([shorter])
    assert all(torch.equal(stopped.weights[name], values) for name, values in short.weights.items())
    assert short.checkpoint is None


def test_a_row_never_trains_beyond_its_gene() -> None:
    epochs: list[int] = []
    (found,) = trained([ROW], until=[50], on_epoch=epochs.append)
    assert epochs == list(range(1, 10))
    assert found.checkpoint is None


def test_each_start_is_a_cohort_that_counts_its_own_epochs() -> None:
    (point,) = points(trained([ROW], until=[3]))
    epochs: list[int] = []
    trained([ROW, ROW], starts=[point, None], until=[9, 2], on_epoch=epochs.append)
    assert epochs == [1, 2, *range(4, 10)]


def test_a_row_that_diverges_after_its_checkpoint_fails_without_its_neighbours() -> None:
    (whole,) = trained([ROW])
    (point,) = points(trained([ROW], until=[3]))
    broken = Checkpoint(3, {name: values * torch.nan for name, values in point.weights.items()}, *[point.first] * 2)
    failed, fine = train([ROW, ROW], POOL, FOLDS, EXACT, starts=[broken, point])
    assert failed == FailedRow(ROW, 4)
    assert isinstance(fine, TrainedRow)
    assert_same(fine, whole)


def test_starts_that_leave_nothing_to_train_or_to_average_are_refused() -> None:
    (point,) = points(trained([ROW], until=[6]))
    with pytest.raises(ValueError, match="row 1 is to be trained until epoch 6, but has 6 epochs already"):
        train([ROW, ROW], POOL, FOLDS, EXACT, starts=[None, point], until=[None, 6])
    with pytest.raises(ValueError, match=r"row 0 goes on after 6 epochs, .* until epoch 9 begin at epoch 5"):
        train([ROW], POOL, FOLDS, EXACT, starts=[point])
    with pytest.raises(ValueError, match="row 0 is to be trained until epoch 0"):
        train([ROW], POOL, FOLDS, EXACT, until=[0])

"""The network like MISA: its losses by hand, and its training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from haemsa.model.baselines.classical import RANGES, Classical, outputs, outputs_of_each, summaries
from haemsa.model.baselines.misa_network import (
    Misa,
    difference_loss,
    forward,
    reconstruction_loss,
    similarity_loss,
    stacked,
)
from tests.support.model.random_genomes import small_dataset

SETTINGS = {name: float(np.sqrt(low * high)) for name, (low, high) in RANGES["misa"].items()}
FEW = {**SETTINGS, "epochs": 2.0}
DATA = small_dataset(count=120, absent=0.0, unlabelled=0.1)
FEATURES = summaries(DATA)
KNOWN = np.flatnonzero(DATA.tasks["sentiment"].labelled)


def misa(settings: dict[str, float]) -> Classical:
    return Classical("misa", tuple(FEATURES), settings)


def similarity(*parts: Tensor) -> Tensor:
    """Of one network, whose parts [B, H] are all there."""
    return similarity_loss(torch.stack(parts)[None], torch.ones(1, len(parts[0])))[0]


def difference(private: list[Tensor], shared: list[Tensor]) -> Tensor:
    return difference_loss(torch.stack(private)[None], torch.stack(shared)[None], torch.ones(1, len(private[0])))[0]


def test_equal_distributions_are_alike_and_a_shift_counts_once_in_the_mean() -> None:
    one = torch.rand(5, 3)
    assert similarity(one, one.flip(0)) == pytest.approx(0, abs=1e-6)
    assert similarity(one, one + torch.tensor([0.3, 0.0, 0.4])) == pytest.approx(0.5, abs=1e-5)


def test_the_discrepancy_is_the_mean_over_pairs_of_modalities() -> None:
    one = torch.rand(5, 2)
    assert similarity(one, one, one + torch.tensor([0.6, 0.0])) == pytest.approx(0.4, abs=1e-5)


def test_parts_that_vary_alike_overlap_and_orthogonal_ones_do_not() -> None:
    across = torch.tensor([[2.0, 1.0], [0.0, 1.0]])  # centred, and at length 1: (1, 0) and (-1, 0)
    alike = difference([across, across], [across, across])
    assert alike == pytest.approx(3 * 2**2 / 4)  # two private-shared products and one of the privates: one cell is 2
    orthogonal = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    other = torch.tensor([[0.0, 1.0], [0.0, -1.0], [0.0, 1.0], [0.0, -1.0]])
    apart = difference([orthogonal, other], [other, orthogonal])
    assert apart == pytest.approx(0, abs=1e-6)


def test_samples_that_are_not_there_count_nothing_in_any_loss() -> None:
    parts, others = torch.rand(2, 1, 3, 6, 4), torch.rand(2, 1, 3, 2, 4)
    padded, there = torch.cat([parts, others], dim=3), torch.tensor([[1.0] * 6 + [0.0] * 2])
    for loss in (difference_loss, reconstruction_loss):
        torch.testing.assert_close(loss(*padded, there), loss(*parts, torch.ones(1, 6)))
    torch.testing.assert_close(similarity_loss(padded[0], there), similarity_loss(parts[0], torch.ones(1, 6)))


def test_every_weight_is_trained_by_some_loss() -> None:
    parameters = {name: value.requires_grad_() for name, value in stacked([Misa([4, 3], 2, width=6)] * 2).items()}
    found = forward(parameters, [torch.randn(2, 8, 4), torch.randn(2, 8, 3)])
    (found.outputs.sum() + (found.rebuilt - found.projected).square().sum()).backward()
    assert [name for name, values in parameters.items() if values.grad is None] == []


def test_networks_are_one_program_and_attend_as_a_layer_of_torch_does() -> None:
    networks = [Misa([4, 3], 2, width=6) for _ in range(2)]
    found = forward(stacked(networks), [torch.randn(2, 5, 4), torch.randn(2, 5, 3)])
    for number, network in enumerate(networks):
        tokens = torch.cat([found.private[number], found.shared[number]]).transpose(0, 1)
        expected = network.head[1](network.head[0](network.attention(tokens).flatten(1)).relu())
        torch.testing.assert_close(found.outputs[number], expected)


def test_a_network_does_not_depend_on_those_that_are_trained_with_it() -> None:
    def together(*trainings: tuple[NDArray[np.int64], int]) -> NDArray[Any]:
        return outputs_of_each(misa(FEW), FEATURES, DATA.tasks["sentiment"], trainings)

    every = np.arange(len(DATA))
    trainings = [(every[:100], 1), (every[5:], 2), (every[:30], 3)]  # of 99, 103 and 27 labels or so: other batches
    for found, training in zip(together(*trainings), trainings, strict=True):
        np.testing.assert_allclose(found, together(training)[0], atol=1e-5)


def test_the_same_seed_gives_the_same_answers_and_leaves_other_randomness_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    task = DATA.tasks["sentiment"]
    first, again, other = (outputs(misa(FEW), FEATURES, task, KNOWN, seed) for seed in (1, 1, 2))
    assert torch.rand(1) == expected
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_values_are_in_the_units_of_the_labels() -> None:
    task = DATA.tasks["sentiment"]
    found = outputs(misa(SETTINGS), FEATURES, task, KNOWN)[KNOWN, 0]
    assert np.corrcoef(found, task.targets[KNOWN])[0, 1] > 0.9
    assert found.std() == pytest.approx(task.targets[KNOWN].std(), rel=0.3)


def test_classes_get_probabilities_and_labels_scores_around_zero() -> None:
    for name in ("emotion", "traits"):
        task = DATA.tasks[name]
        found = outputs(misa(FEW), FEATURES, task, np.arange(len(DATA)))
        assert found.shape == (len(DATA), task.outputs)
        if name == "emotion":
            np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)
        else:
            assert np.abs(found).max() < 0.5

"""The network like MISA: its losses by hand, and its training."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from haemsa.model.baselines.classical import RANGES, summaries
from haemsa.model.baselines.misa_network import Misa, difference_loss, misa_outputs, similarity_loss
from tests.support.model.random_genomes import small_dataset

SETTINGS = {name: float(np.sqrt(low * high)) for name, (low, high) in RANGES["misa"].items()}
DATA = small_dataset(count=120, absent=0.0, unlabelled=0.1)
FEATURES = list(summaries(DATA).values())
KNOWN = np.flatnonzero(DATA.tasks["sentiment"].labelled)


def test_equal_distributions_are_alike_and_a_shift_counts_once_in_the_mean() -> None:
    one = torch.rand(5, 3)
    assert similarity_loss(torch.stack([one, one.flip(0)])) == pytest.approx(0, abs=1e-6)
    moved = torch.stack([one, one + torch.tensor([0.3, 0.0, 0.4])])
    assert similarity_loss(moved) == pytest.approx(0.5, abs=1e-5)


def test_the_discrepancy_is_the_mean_over_pairs_of_modalities() -> None:
    one = torch.rand(5, 2)
    three = torch.stack([one, one, one + torch.tensor([0.6, 0.0])])
    assert similarity_loss(three) == pytest.approx(0.4, abs=1e-5)


def test_parts_that_vary_alike_overlap_and_orthogonal_ones_do_not() -> None:
    across = torch.tensor([[2.0, 1.0], [0.0, 1.0]])  # centred, and at length 1: (1, 0) and (-1, 0)
    alike = difference_loss(torch.stack([across, across]), torch.stack([across, across]))
    assert alike == pytest.approx(3 * 2**2 / 4)  # two private-shared products and one of the privates: one cell is 2
    orthogonal = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    other = torch.tensor([[0.0, 1.0], [0.0, -1.0], [0.0, 1.0], [0.0, -1.0]])
    apart = difference_loss(torch.stack([orthogonal, other]), torch.stack([other, orthogonal]))
    assert apart == pytest.approx(0, abs=1e-6)


def test_every_weight_is_trained_by_some_loss() -> None:
    network = Misa([4, 3], 2, width=6, dropout=0.0)
    found = network([torch.randn(8, 4), torch.randn(8, 3)])
    (found.outputs.sum() + (found.rebuilt - found.projected).square().sum()).backward()
    assert [name for name, values in network.named_parameters() if values.grad is None] == []


def test_the_same_seed_gives_the_same_answers_and_leaves_other_randomness_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    task, few = DATA.tasks["sentiment"], {**SETTINGS, "epochs": 2.0}
    first, again, other = (misa_outputs(FEATURES, task, KNOWN, few, seed) for seed in (1, 1, 2))
    assert torch.rand(1) == expected
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_values_are_in_the_units_of_the_labels() -> None:
    task = DATA.tasks["sentiment"]
    found = misa_outputs(FEATURES, task, KNOWN, SETTINGS, seed=0)[KNOWN, 0]
    assert np.corrcoef(found, task.targets[KNOWN])[0, 1] > 0.9
    assert found.std() == pytest.approx(task.targets[KNOWN].std(), rel=0.3)


def test_classes_get_probabilities_and_labels_scores_around_zero() -> None:
    few = {**SETTINGS, "epochs": 2.0}
    for name in ("emotion", "traits"):
        task = DATA.tasks[name]
        found = misa_outputs(FEATURES, task, np.flatnonzero(task.labelled), few, seed=0)
        assert found.shape == (len(DATA), task.outputs)
        if name == "emotion":
            np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)
        else:
            assert np.abs(found).max() < 0.5

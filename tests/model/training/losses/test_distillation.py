"""Transfer from all modalities to some: subsets, losses by hand, and what it brings."""

import math

import numpy as np
import pytest
import torch
from torch import tensor
from torch.nn import functional as F

from haemsa.model.data.folds import holdout
from haemsa.model.network.cohort import Cohort, CohortRow
from haemsa.model.network.noise import Noise, step_keys
from haemsa.model.network.subsets import Subsets
from haemsa.model.spec.network import ExpertSpec
from haemsa.model.training.losses.distillation import transfer_loss
from haemsa.model.training.pool import Pool
from haemsa.model.training.train import TrainedRow, TrainingSettings, train
from tests.support.model.cohort_tools import genome, level
from tests.support.model.random_genomes import SCHEMA, small_dataset

EVERY = ["text", "audio", "vision"]
EXPERTS = level(ExpertSpec(("text", "audio", "vision"), width=8), ExpertSpec(("audio",)))


def drawn(present: torch.Tensor, *distillation: float) -> torch.Tensor:
    rows = [CohortRow(genome(modalities=EVERY, distillation=gene), seed) for seed, gene in enumerate(distillation)]
    cohort = Cohort(rows, SCHEMA)
    subsets = Subsets(cohort)
    return subsets(present, Noise([subsets.places], step_keys(cohort.noise_keys(), 0)[0], present.shape[2]))


def test_subsets_are_random_of_what_is_present_and_never_empty() -> None:
    present = torch.ones(1, 3, 4000, dtype=torch.bool)
    present[:, 2, 2000:] = False
    found = drawn(present, 0.5)
    assert not (found & ~present).any()
    assert found.any(1).all()
    # Each is kept by half, and besides where all of them would go and it has the highest draw.
    assert found[0, :, :2000].double().mean(1).tolist() == pytest.approx([1 / 2 + 1 / 24] * 3, abs=0.04)
    assert found[0, :2, 2000:].double().mean(1).tolist() == pytest.approx([1 / 2 + 1 / 8] * 2, abs=0.04)


def test_rows_without_the_gene_are_shown_all_and_absent_samples_nothing() -> None:
    present = torch.ones(2, 3, 100, dtype=torch.bool)
    present[:, :, 0] = False
    found = drawn(present, 0.0, 0.5)
    assert torch.equal(found[0], present[0])
    assert not found[:, :, 0].any()
    assert not torch.equal(found[1], present[1])


def test_distances_are_those_of_each_kind_of_task() -> None:
    some, every, weights = tensor([[[0.2], [3.0]]]), tensor([[[0.0], [1.0]]]), tensor([[1.0, 3.0]])
    expected = (0.5 * 0.2**2 + 3 * 0.5 * (2 - 0.25)) / 4
    assert transfer_loss("regression", some, every, weights).item() == pytest.approx(expected)
    some, every = tensor([[[0.0, 0.0]]]), tensor([[[0.0, math.log(3.0)]]])
    one = torch.ones(1, 1)
    divergence = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)
    assert transfer_loss("classes", some, every, one).item() == pytest.approx(divergence)
    expected = (math.log(2) + 0.75 * math.log(1 + math.exp(-1)) + 0.25 * math.log(1 + math.exp(1))) / 2
    assert transfer_loss("multilabel", tensor([[[0.0, 1.0]]]), every, one).item() == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["regression", "classes", "multilabel"])
def test_predictions_from_all_get_no_gradient_and_held_out_samples_none(kind: str) -> None:
    some, every = (torch.randn(1, 3, 1 if kind == "regression" else 2, requires_grad=True) for _ in range(2))
    transfer_loss(kind, some, every, tensor([[1.0, 0.0, 1.0]])).sum().backward()
    assert every.grad is None
    assert some.grad.abs().sum(-1).ne(0).tolist() == [[True, False, True]]


def test_where_nothing_is_left_out_classes_are_no_distance_apart() -> None:
    logits = torch.randn(1, 5, 3)
    assert transfer_loss("classes", logits, logits, torch.ones(1, 5)).item() == 0
    torch.testing.assert_close(
        transfer_loss("classes", logits, logits + 1 * torch.arange(3), torch.ones(1, 5))[0],
        F.kl_div(logits[0].log_softmax(-1), (logits[0] + torch.arange(3)).softmax(-1), reduction="batchmean"),
    )


def test_distilled_networks_change_their_minds_less_when_modalities_are_missing() -> None:
    data = small_dataset(300, absent=0.0, unlabelled=0.0)
    rows = [
        CohortRow(genome(EXPERTS, modalities=EVERY, epochs=8, learning_rate=1e-2, distillation=gene), 0)
        for gene in (0.0, 1.0)
    ]
    plain, distilled = train(rows, Pool.of(data), holdout(data), TrainingSettings(missing=True))

    def change(row: object) -> float:
        assert isinstance(row, TrainedRow)
        every = row.outputs["sentiment"]
        return float(np.mean([np.abs(shown["sentiment"] - every).mean() for shown in row.shown.values()]))

    assert change(distilled) < 0.8 * change(plain)

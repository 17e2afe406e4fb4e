"""Losses of tasks by hand, per row, as genes ask."""

import math

import pytest
import torch
from torch import Tensor, tensor
from torch.nn import functional as F

from haemsa.model.network.batch import Targets, TargetScale
from haemsa.model.schema import TaskInfo
from haemsa.model.training.losses.task_losses import TaskLoss

REGRESSION = TaskInfo("regression", bounds=(-3.0, 3.0))
CLASSES, LABELS = TaskInfo("classes", ("a", "b")), TaskInfo("multilabel", ("a", "b"))
PLAIN = TargetScale(tensor([[[0.0]]]), tensor([[[1.0]]]))


def known(values: list[list[float]]) -> Targets:
    return Targets(tensor(values), torch.ones(len(values), len(values[0])))


def by_row(values: list[float]) -> Tensor:
    return tensor(values).view(-1, 1, 1)


def test_regression_loss_is_square_near_and_absolute_far() -> None:
    outputs = tensor([[[0.2], [3.0]]])
    targets = Targets(tensor([[0.0], [1.0]]), torch.ones(2, 1))
    near, far = 0.5 * 0.2**2, 0.5 * (2 - 0.5 * 0.5)
    assert TaskLoss(REGRESSION, PLAIN)(outputs, targets, torch.ones(1, 2)).item() == pytest.approx((near + far) / 2)


def test_regression_loss_compares_with_the_target_scaled_by_each_rows_fold() -> None:
    scale = TargetScale(tensor([[[1.0]], [[3.0]]]), tensor([[[2.0]], [[4.0]]]))
    outputs = tensor([[[1.0]], [[0.0]]])  # what a target of 3 is in each fold
    found = TaskLoss(REGRESSION, scale)(outputs, Targets(tensor([[3.0]]), torch.ones(1, 1)), torch.ones(2, 1))
    assert found.tolist() == [0.0, 0.0]


def test_class_loss_is_cross_entropy() -> None:
    outputs = tensor([[[0.0, math.log(3.0)], [math.log(4.0), 0.0]]])
    targets = Targets(tensor([[1.0], [1.0]]), torch.ones(2, 1))
    expected = (-math.log(3 / 4) - math.log(1 / 5)) / 2
    found = TaskLoss(CLASSES)(outputs, targets, torch.ones(1, 2))
    assert found.item() == pytest.approx(expected)


def test_multilabel_loss_is_binary_cross_entropy_over_known_cells() -> None:
    outputs = tensor([[[0.0, math.log(3.0)], [7.0, 0.0]]])
    targets = Targets(tensor([[1.0, 0.0], [0.0, 1.0]]), tensor([[1.0, 1.0], [0.0, 1.0]]))
    expected = (math.log(2) + math.log(4) + math.log(2)) / 3
    found = TaskLoss(LABELS)(outputs, targets, torch.ones(1, 2))
    assert found.item() == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["regression", "classes", "multilabel"])
def test_unknown_labels_and_held_out_samples_have_no_gradient(kind: str) -> None:
    task = TaskInfo(kind, () if kind == "regression" else ("a", "b"))
    outputs = torch.randn(2, 3, task.outputs, requires_grad=True)
    known = torch.ones(3, 1 if kind != "multilabel" else 2)
    known[0] = 0
    weights = tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    TaskLoss(task, PLAIN)(outputs, Targets(torch.zeros_like(known), known), weights).sum().backward()
    assert outputs.grad.abs().sum(-1).ne(0).tolist() == [[False, True, False], [False, True, True]]


def test_each_row_has_the_loss_that_it_asks_for() -> None:
    outputs = tensor([[[0.2], [3.0]]]).expand(2, 2, 1)
    loss = TaskLoss(REGRESSION, PLAIN, l1=by_row([0.0, 1.0]) > 0)
    huber, l1 = loss(outputs, known([[0.0], [1.0]]), torch.ones(2, 2)).tolist()
    assert huber == pytest.approx((0.5 * 0.2**2 + 0.5 * (2 - 0.25)) / 2)
    assert l1 == pytest.approx((0.2 + 2) / 2)


def test_a_task_has_each_rows_weight() -> None:
    loss = TaskLoss(REGRESSION, PLAIN, weight=tensor([0.5, 2.0]), l1=by_row([1.0, 1.0]) > 0)
    assert loss(torch.ones(2, 1, 1), known([[0.0]]), torch.ones(2, 1)).tolist() == [0.5, 2.0]


def test_classes_are_weighted_by_sample() -> None:
    outputs, weights = tensor([[[0.0, math.log(3.0)], [math.log(4.0), 0.0]]]), tensor([[0.5, 3.0]])
    found = TaskLoss(CLASSES, class_weights=weights)(outputs, known([[0.0], [1.0]]), torch.ones(1, 2))
    assert found.item() == pytest.approx((0.5 * math.log(4) + 3 * math.log(5)) / 2)


def test_both_sides_of_a_label_are_weighted() -> None:
    outputs, weights = tensor([[[0.0, math.log(3.0)]]]), tensor([[[0.5, 2.0], [3.0, 0.1]]])
    found = TaskLoss(LABELS, class_weights=weights)(outputs, known([[1.0, 0.0]]), torch.ones(1, 1))
    assert found.item() == pytest.approx((2 * math.log(2) + 3 * math.log(4)) / 2)


def test_cross_entropy_is_torchs_own() -> None:
    outputs, labels = torch.randn(1, 8, 2, generator=torch.Generator().manual_seed(1)), torch.arange(8) % 2
    found = TaskLoss(CLASSES)(outputs, Targets(labels[:, None].float(), torch.ones(8, 1)), torch.ones(1, 8))
    assert found.item() == pytest.approx(F.cross_entropy(outputs[0], labels).item(), rel=1e-5)

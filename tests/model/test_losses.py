"""Losses by hand, per row, with weights for samples and labels."""

import math

import pytest
import torch
from torch import tensor

from model.gates import GateOutput
from model.losses import (
    Losses,
    Targets,
    TargetScale,
    balance_loss,
    cohort_losses,
    router_z_loss,
    task_loss,
    weighted_mean,
)
from model.schema import TaskInfo

REGRESSION = TaskInfo("regression")
PLAIN = TargetScale(tensor([[[0.0]]]), tensor([[[1.0]]]))


def gate(weights: list, logits: list | None = None, allowed: list | None = None) -> GateOutput:
    """One row and one token; lists go by sample, then expert."""
    shaped = tensor(weights)[None, None]
    table = torch.ones_like(shaped, dtype=torch.bool) if allowed is None else tensor(allowed)[None, None]
    return GateOutput(shaped, shaped if logits is None else tensor(logits)[None, None], table)


def test_weighted_mean_is_taken_per_row() -> None:
    values = tensor([[1.0, 3.0, 100.0], [5.0, 6.0, 7.0]])
    weights = tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    assert weighted_mean(values, weights).tolist() == [2.0, 0.0]


def test_regression_loss_is_square_near_and_absolute_far() -> None:
    outputs = tensor([[[0.2], [3.0]]])
    targets = Targets(tensor([[0.0], [1.0]]), torch.ones(2, 1))
    near, far = 0.5 * 0.2**2, 0.5 * (2 - 0.5 * 0.5)
    assert task_loss(REGRESSION, outputs, targets, torch.ones(1, 2), PLAIN).item() == pytest.approx((near + far) / 2)


def test_regression_loss_compares_with_the_target_scaled_by_each_rows_fold() -> None:
    scale = TargetScale(tensor([[[1.0]], [[3.0]]]), tensor([[[2.0]], [[4.0]]]))
    outputs = tensor([[[1.0]], [[0.0]]])  # what a target of 3 is in each fold
    found = task_loss(REGRESSION, outputs, Targets(tensor([[3.0]]), torch.ones(1, 1)), torch.ones(2, 1), scale)
    assert found.tolist() == [0.0, 0.0]


def test_class_loss_is_cross_entropy() -> None:
    outputs = tensor([[[0.0, math.log(3.0)], [math.log(4.0), 0.0]]])
    targets = Targets(tensor([[1.0], [1.0]]), torch.ones(2, 1))
    expected = (-math.log(3 / 4) - math.log(1 / 5)) / 2
    found = task_loss(TaskInfo("classes", ("a", "b")), outputs, targets, torch.ones(1, 2), None)
    assert found.item() == pytest.approx(expected)


def test_multilabel_loss_is_binary_cross_entropy_over_known_cells() -> None:
    outputs = tensor([[[0.0, math.log(3.0)], [7.0, 0.0]]])
    targets = Targets(tensor([[1.0, 0.0], [0.0, 1.0]]), tensor([[1.0, 1.0], [0.0, 1.0]]))
    expected = (math.log(2) + math.log(4) + math.log(2)) / 3
    found = task_loss(TaskInfo("multilabel", ("a", "b")), outputs, targets, torch.ones(1, 2), None)
    assert found.item() == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["regression", "classes", "multilabel"])
def test_unknown_labels_and_held_out_samples_have_no_gradient(kind: str) -> None:
    task = TaskInfo(kind, () if kind == "regression" else ("a", "b"))
    outputs = torch.randn(2, 3, task.outputs, requires_grad=True)
    known = torch.ones(3, 1 if kind != "multilabel" else 2)
    known[0] = 0
    weights = tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    task_loss(task, outputs, Targets(torch.zeros_like(known), known), weights, PLAIN).sum().backward()
    assert outputs.grad.abs().sum(-1).ne(0).tolist() == [[False, True, False], [False, True, True]]


def test_balanced_experts_cost_nothing_and_one_expert_for_all_costs_most() -> None:
    weights = torch.ones(1, 2)
    assert balance_loss(gate([[1.0, 0.0], [0.0, 1.0]]), weights).item() == 0
    # Importance (1, 0): mean 1/2, variance 1/4, squared coefficient of variation 1.
    assert balance_loss(gate([[1.0, 0.0], [1.0, 0.0]]), weights).item() == pytest.approx(1, abs=1e-4)


def test_balance_counts_allowed_experts_of_training_samples_alone() -> None:
    weights = tensor([[1.0, 0.0]])  # the second sample is held out
    found = gate([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]], allowed=[[True, True, False], [True, True, True]])
    assert balance_loss(found, weights).item() == 0


def test_balance_is_averaged_over_tokens_that_hear_any_expert() -> None:
    weights = torch.zeros(1, 2, 1, 2)
    weights[0, 0, 0] = tensor([1.0, 0.0])
    allowed = torch.ones(1, 2, 1, 2, dtype=torch.bool)
    allowed[0, 1] = False
    found = balance_loss(GateOutput(weights, weights, allowed), torch.ones(1, 1))
    assert found.item() == pytest.approx(1, abs=1e-4)


def test_router_z_loss_is_the_mean_squared_log_sum_of_exponentials() -> None:
    logits = [[0.0, math.log(3.0)], [math.log(2.0), 5.0]]
    found = gate(logits, logits, allowed=[[True, True], [True, False]])
    expected = (math.log(4) ** 2 + math.log(2) ** 2) / 2
    assert router_z_loss(found, torch.ones(1, 2)).item() == pytest.approx(expected)
    assert router_z_loss(found, tensor([[0.0, 1.0]])).item() == pytest.approx(math.log(2) ** 2)


def test_the_sum_takes_each_rows_own_weights() -> None:
    losses = Losses(tensor([1.0, 2.0]), tensor([10.0, 10.0]), tensor([100.0, 100.0]))
    assert losses.total(tensor([0.1, 0.0]), tensor([0.0, 0.01])).tolist() == [2.0, 3.0]


def test_tasks_and_levels_add_up_and_shallow_rows_have_no_gate_losses() -> None:
    tasks = {"a": REGRESSION, "b": REGRESSION}
    outputs = {name: torch.full((2, 1, 1), 3.0) for name in tasks}
    targets = {name: Targets(torch.zeros(1, 1), torch.ones(1, 1)) for name in tasks}
    scales = {name: TargetScale(torch.zeros(2, 1, 1), torch.ones(2, 1, 1)) for name in tasks}
    uneven = gate([[1.0, 0.0]], [[0.0, 0.0]])
    found = cohort_losses(tasks, outputs, [uneven, uneven], targets, torch.ones(2, 1), scales)
    assert found.task.tolist() == pytest.approx([2 * 1.375] * 2)
    assert found.balance.tolist() == pytest.approx([2.0, 0.0], abs=1e-4)
    assert found.router_z.tolist() == pytest.approx([2 * math.log(2) ** 2, 0.0])

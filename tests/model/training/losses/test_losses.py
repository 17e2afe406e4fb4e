"""Losses of gates by hand, per row, with weights for samples."""

import math

import pytest
import torch
from torch import tensor

from haemsa.model.network.gates import GateOutput
from haemsa.model.training.losses.gate_losses import Losses, balance_loss, gate_losses, router_z_loss, weighted_mean


def gate(weights: list, logits: list | None = None, allowed: list | None = None) -> GateOutput:
    """One row and one token; lists go by sample, then expert."""
    shaped = tensor(weights).T[None, None]
    table = torch.ones_like(shaped) if allowed is None else tensor(allowed).float().T[None, None]
    return GateOutput(shaped, shaped if logits is None else tensor(logits).T[None, None], table)


def test_weighted_mean_is_taken_per_row() -> None:
    values = tensor([[1.0, 3.0, 100.0], [5.0, 6.0, 7.0]])
    weights = tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    assert weighted_mean(values, weights).tolist() == [2.0, 0.0]


def test_balanced_experts_cost_nothing_and_one_expert_for_all_costs_most() -> None:
    weights = torch.ones(1, 2)
    assert balance_loss(gate([[1.0, 0.0], [0.0, 1.0]]), weights).item() == 0
    # Importance (1, 0): mean 1/2, variance 1/4, squared coefficient of variation 1.
    assert balance_loss(gate([[1.0, 0.0], [1.0, 0.0]]), weights).item() == pytest.approx(1, abs=1e-4)


def test_balance_counts_only_allowed_experts_of_training_samples() -> None:
    weights = tensor([[1.0, 0.0]])  # the second sample is held out
    found = gate([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]], allowed=[[True, True, False], [True, True, True]])
    assert balance_loss(found, weights).item() == 0


def test_balance_is_averaged_over_tokens_that_hear_any_expert() -> None:
    weights = torch.zeros(1, 2, 2, 1)
    weights[0, 0, :, 0] = tensor([1.0, 0.0])
    allowed = torch.ones(1, 2, 2, 1)
    allowed[0, 1] = 0
    found = balance_loss(GateOutput(weights, weights, allowed), torch.ones(1, 1))
    assert found.item() == pytest.approx(1, abs=1e-4)


def test_router_z_loss_is_the_mean_squared_log_sum_of_exponentials() -> None:
    logits = [[0.0, math.log(3.0)], [math.log(2.0), 5.0]]
    found = gate(logits, logits, allowed=[[True, True], [True, False]])
    expected = (math.log(4) ** 2 + math.log(2) ** 2) / 2
    assert router_z_loss(found, torch.ones(1, 2)).item() == pytest.approx(expected)
    assert router_z_loss(found, tensor([[0.0, 1.0]])).item() == pytest.approx(math.log(2) ** 2)


def test_the_sum_takes_each_rows_own_weights() -> None:
    losses = Losses(tensor([1.0, 2.0]), tensor([10.0, 10.0]), tensor([0.0, 1000.0]), tensor([1.0, 0.5]))
    weights = tensor([0.1, 0.0]), tensor([0.0, 2.0])  # that of the router z-loss is 0.001 for all
    assert losses.total(*weights).tolist() == [2.0, 4.0]
    assert losses._replace(transfer=None).total(*weights).tolist() == [2.0, 3.0]


def test_levels_add_up_and_shallow_rows_have_no_gate_losses() -> None:
    uneven = gate([[1.0, 0.0]], [[0.0, 0.0]])
    balance, router_z = gate_losses([uneven, uneven], torch.ones(2, 1))
    assert balance.tolist() == pytest.approx([2.0, 0.0], abs=1e-4)
    assert router_z.tolist() == pytest.approx([2 * math.log(2) ** 2, 0.0])

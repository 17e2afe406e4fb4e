"""Thresholds and the all-threshold loss by hand."""

import math

import pytest
import torch
from torch import tensor

from haemsa.model.network.batch import TargetScale
from haemsa.model.training.losses.ordinal import Thresholds, ordinal_loss, thresholds

PLAIN = TargetScale(tensor([[[0.0]]]), tensor([[[1.0]]]))


def softplus(x: float) -> float:
    return math.log(1 + math.exp(x))


def test_thresholds_of_sentiment_lie_at_half_integers_on_each_rows_scale() -> None:
    scale = TargetScale(tensor([[[0.0]], [[0.5]]]), tensor([[[1.0]], [[2.0]]]))
    found = thresholds((-3.0, 3.0), scale)
    half = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]
    assert found.places[:, 0].tolist() == [half, [(place - 0.5) / 2 for place in half]]
    assert found.step.flatten().tolist() == [1.0, 0.5]


@pytest.mark.parametrize(
    ("bounds", "first", "step", "count"),
    [((1.0, 5.0), 1.5, 1.0, 4), ((0.0, 1.0), 0.125, 0.25, 4), ((0.0, 120.0), 5.0, 10.0, 12), (None, -1.75, 0.5, 8)],
)
def test_there_are_neither_few_nor_many_thresholds(
    bounds: tuple[float, float] | None, first: float, step: float, count: int
) -> None:
    found = thresholds(bounds, PLAIN)
    expected = [first + step * place for place in range(count)]
    assert found.places.flatten().tolist() == pytest.approx(expected)
    assert found.step.flatten().tolist() == pytest.approx([step])


def test_an_output_pays_at_every_threshold_for_the_wrong_side() -> None:
    cuts = Thresholds(tensor([[[-0.5, 0.5]]]), tensor([[[1.0]]]))
    outputs, wanted = tensor([[[0.0], [0.0], [0.75]]]), tensor([[[0.0], [1.0], [-1.0]]])
    quarter = 0.25  # margins are in quarters of a step
    expected = [
        quarter * 2 * softplus(-2),
        quarter * (softplus(-2) + softplus(2)),
        quarter * (softplus(5) + softplus(1)),
    ]
    assert ordinal_loss(outputs, wanted, cuts).flatten().tolist() == pytest.approx(expected)


@pytest.mark.parametrize("label", [-2.0, -1.0, 0.0, 1.0, 2.0])
def test_an_output_is_best_at_the_middle_of_its_labels_step(label: float) -> None:
    outputs = torch.linspace(-4, 4, 801).view(1, -1, 1)
    losses = ordinal_loss(outputs, torch.full_like(outputs, label), thresholds((-3.0, 3.0), PLAIN))
    assert outputs.flatten()[losses.argmin()].item() == pytest.approx(label, abs=0.02)


def test_outer_labels_hardly_pull_outputs_beyond_themselves() -> None:
    outputs = torch.full((1, 1, 1), 3.0, requires_grad=True)
    ordinal_loss(outputs, tensor([[[3.0]]]), thresholds((-3.0, 3.0), PLAIN)).backward()
    assert -0.125 < outputs.grad.item() < 0


def test_an_output_some_steps_off_is_pulled_about_as_by_the_squared_error() -> None:
    outputs = torch.full((1, 1, 1), -2.0, requires_grad=True)
    ordinal_loss(outputs, tensor([[[1.0]]]), thresholds((-3.0, 3.0), PLAIN)).backward()
    assert outputs.grad.item() == pytest.approx(-3, abs=0.02)

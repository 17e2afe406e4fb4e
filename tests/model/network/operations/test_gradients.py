"""The gradients of operations are those that torch finds numerically."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from haemsa.model.network.batch import Steps
from haemsa.model.network.operations.attention import attend
from haemsa.model.network.operations.convolution import most_active
from haemsa.model.network.operations.gathering import Gathering, Taking
from haemsa.model.network.operations.layers import deepen, normalise
from haemsa.model.network.operations.mixing import add_mixed, with_global
from haemsa.model.network.operations.pooling import pool_by_scores
from haemsa.model.network.operations.projection import Standard, project
from haemsa.model.network.operations.scoring import scores

UNEQUAL = Steps(
    torch.randn(22, 5, generator=torch.Generator().manual_seed(1)).double(),
    torch.cat([torch.arange(4).repeat(2), torch.arange(7).repeat(2)]),
    torch.tensor([1, 4, 7, 5]).repeat_interleave(torch.tensor([4, 4, 7, 7])),
    ((2, 4), (2, 7)),
)
"""Samples of 1, 4, 7 and 5 steps in two blocks."""


def drawn(*shapes: tuple[int, ...]) -> list[Tensor]:
    """Random numbers that need a gradient."""
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(*shape, generator=generator).double().requires_grad_() for shape in shapes]


@pytest.mark.parametrize("rows", [2, 3])
def test_a_norm_of_two_rows(rows: int) -> None:
    width = torch.tensor([4.0, 3.0]).double().view(2, 1, 1, 1)
    assert gradcheck(normalise, (*drawn((rows, 3, 5, 4)), width))


@pytest.mark.parametrize("samples", [1, 5])
def test_pooling_by_scores(samples: int) -> None:
    usable = drawn((2, 3, samples))[0] > -1
    assert gradcheck(lambda *given: pool_by_scores(*given, usable), drawn((2, 3, 5, 4), (2, 4, 1), (2, 3, 1)))


@pytest.mark.parametrize("drops", [True, False])
def test_a_further_layer_of_two_of_three_experts(drops: bool) -> None:
    keep = drawn((2, 3, 4))[0].detach() if drops else None
    assert gradcheck(lambda *given: deepen(*given, keep), drawn((3, 3, 4), (2, 4, 4), (2, 4)))


def test_scores() -> None:
    assert gradcheck(scores, drawn((2, 5, 4), (2, 4, 3)))


@pytest.mark.parametrize("rows", [2, 3])
def test_mixing_in_two_rows(rows: int) -> None:
    assert gradcheck(add_mixed, drawn((rows, 3, 5, 4), (2, 3, 2, 5), (2, 2, 5, 4)))


@pytest.mark.parametrize("complete", [True, False])
def test_the_first_tokens(complete: bool) -> None:
    local, stand_ins, shares = drawn((2, 3, 5, 4), (2, 3, 1, 4), (2, 3, 5))
    present = (shares > 0.4).detach().double()
    assert gradcheck(with_global, (local, *((None, None) if complete else (stand_ins, present)), shares))


@pytest.mark.parametrize("standardised", [True, False])
def test_a_projection_to_three_units_of_two_rows_in_folds_of_their_own(standardised: bool) -> None:
    scale, means = (part.detach() for part in drawn((2, 4), (2, 4)))
    rows = torch.tensor([0, 0, 1])
    standard = Standard(scale, rows, means, rows.unsqueeze(1)) if standardised else Standard(None, rows, None, None)
    assert gradcheck(lambda *given: project(*given, standard), drawn((5, 4), (3, 4), (3,)))


def test_a_projection_to_units_in_blocks() -> None:
    standard = Standard(drawn((2, 4))[0].detach(), torch.tensor([0, 1, 1]), None, None)
    weight, x = drawn((6, 4), (5, 4))
    factors = standard.scale[[0, 0, 1, 1, 1, 1]]
    torch.testing.assert_close(project(x, weight, torch.zeros(6).double(), standard), (weight * factors) @ x.t())
    assert gradcheck(lambda *given: project(*given, standard), (x, weight, *drawn((6,))))


@pytest.mark.parametrize("kernel", [1, 2, 5])
def test_a_convolution_over_samples_of_unequal_length(kernel: int) -> None:
    assert gradcheck(lambda *given: most_active(*given, UNEQUAL), drawn((3, 22), (3, kernel)))


@pytest.mark.parametrize("shape", [(3, 5), (3, 4, 5)])
def test_attention_with_queries_for_all_samples_and_with_one_for_each(shape: tuple[int, ...]) -> None:
    def read(queries: Tensor, features: Tensor) -> Tensor:
        return attend(queries, replace(UNEQUAL, features=features))

    assert gradcheck(read, drawn(shape, (22, 5)))


def test_a_gathering_of_parts_of_unequal_width() -> None:
    assert gradcheck(lambda *given: Gathering((2, None, 0, 1), 3, 4)(given), drawn((2, 2, 3), (1, 2, 2)))


def test_taking_for_two_readers_of_unequal_width() -> None:
    taking = Taking([(1, 0, 1), (2,)], [2, 3])
    assert gradcheck(lambda source: tuple(taking(source)), drawn((3, 2, 3)))


@pytest.mark.parametrize("places", [(4, 2, 0, 1, 3), (None, 3, 1, 0, None, 2, 4)])
def test_a_gathering_with_and_without_holes(places: tuple[int | None, ...]) -> None:
    assert gradcheck(lambda *given: Gathering(places, 5)(given), drawn((2, 2), (1, 2), (2, 2)))

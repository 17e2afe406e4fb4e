"""Learning rates by epoch, by hand."""

import math

import pytest
import torch

from haemsa.model.network.cohort import Cohort, CohortRow
from haemsa.model.spec.training import TrainingGenes
from haemsa.model.training.schedule import learning_rates, rate_factor
from tests.support.model.cohort_tools import genome
from tests.support.model.random_genomes import SCHEMA


def factors(**genes: object) -> list[float]:
    own = TrainingGenes(**genes)
    return [rate_factor(own, epoch) for epoch in range(own.epochs)]


def test_a_constant_rate_stays() -> None:
    assert factors(epochs=3) == [1, 1, 1]


def test_a_cosine_falls_to_zero_at_the_end_of_the_genes_own_epochs() -> None:
    eighth, three_eighths = math.cos(math.pi / 8), math.cos(3 * math.pi / 8)  # the middles of four epochs
    expected = [(1 + eighth) / 2, (1 + three_eighths) / 2, (1 - three_eighths) / 2, (1 - eighth) / 2]
    assert factors(epochs=4, schedule="cosine") == pytest.approx(expected)


def test_the_rate_rises_linearly_over_the_warm_up() -> None:
    assert factors(epochs=10, warmup=0.3) == pytest.approx([1 / 6, 1 / 2, 5 / 6, 1, 1, 1, 1, 1, 1, 1])


def test_the_cosine_begins_after_the_warm_up() -> None:
    found = factors(epochs=10, warmup=0.2, schedule="cosine")
    assert found[:2] == pytest.approx([0.25, 0.75])
    assert found[2:] == pytest.approx(factors(epochs=8, schedule="cosine"))


def test_each_row_has_its_own_rate_and_none_is_made_where_none_changes() -> None:
    plain, falling = (genome(epochs=2, learning_rate=0.5, schedule=name) for name in ("constant", "cosine"))
    found = learning_rates(Cohort([CohortRow(plain, 0), CohortRow(falling, 1)], SCHEMA), 1)
    torch.testing.assert_close(found, torch.tensor([0.5, 0.25 * (1 - math.sqrt(0.5))]))
    assert learning_rates(Cohort([CohortRow(plain, 0)], SCHEMA), 1) is None

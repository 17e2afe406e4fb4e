"""Noise depends only on a row's seed, the step, the place and the position, and looks random along each of them."""

import numpy as np
import pytest
import torch

from haemsa.model.network.cohort import Cohort, CohortRow
from haemsa.model.network.noise import Noise, site
from tests.support.model.random_genomes import SCHEMA, random_rows

KEYS = Cohort([CohortRow(random_rows(1, 0)[0].genome, seed) for seed in range(64)], SCHEMA).noise_keys()
SITE = torch.tensor([site("levels.0.experts.0.0")], dtype=torch.int32)


def uniform(step: int, rows: int = 64, shape: tuple[int, ...] = (32, 48)) -> torch.Tensor:
    return Noise(KEYS[:rows], step).uniform(torch.arange(rows), SITE.expand(rows), shape)


def correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(np.corrcoef(a.flatten().numpy(), b.flatten().numpy())[0, 1])


def test_numbers_do_not_depend_on_padding() -> None:
    torch.testing.assert_close(uniform(3, shape=(32, 48))[:, :7, :5], uniform(3, shape=(7, 5)), rtol=0, atol=0)


def test_numbers_do_not_depend_on_neighbours_or_on_the_place_in_a_cohort() -> None:
    alone = Noise(KEYS[5:6], 3).uniform(torch.tensor([0]), SITE, (4, 6))
    torch.testing.assert_close(uniform(3, shape=(4, 6))[5:6], alone, rtol=0, atol=0)


def test_keys_depend_only_on_the_seed() -> None:
    first, second = random_rows(2, 1)
    keys = [Cohort([CohortRow(row.genome, 7, fold)], SCHEMA).noise_keys() for fold, row in enumerate((first, second))]
    assert torch.equal(*keys)
    assert len(set(KEYS.tolist())) == 64


def test_uniform_numbers_fill_the_unit_interval_evenly() -> None:
    values = uniform(0)
    assert 0 < float(values.min()) < 1e-3
    assert 1 - 1e-3 < float(values.max()) < 1
    counts = torch.histc(values, 100, 0, 1)
    expected = values.numel() / 100
    chi_square = float(((counts - expected).square() / expected).sum())
    assert 60 < chi_square < 150  # 99 degrees of freedom


def test_numbers_are_uncorrelated_over_rows_steps_sites_and_positions() -> None:
    values = uniform(0)
    other_site = Noise(KEYS, 0).uniform(
        torch.arange(64), torch.tensor([site("b")], dtype=torch.int32).expand(64), (32, 48)
    )
    bound = 4 / values.numel() ** 0.5
    assert abs(correlation(values, uniform(1))) < bound
    assert abs(correlation(values, other_site)) < bound
    assert abs(correlation(values[1:], values[:-1])) < bound
    assert abs(correlation(values[:, 1:], values[:, :-1])) < bound
    assert abs(correlation(values[..., 1:], values[..., :-1])) < bound


def test_means_of_rows_steps_and_positions_vary_as_chance_does() -> None:
    values = torch.stack([uniform(step, shape=(32, 16)) for step in range(40)])  # steps, rows, B, H
    for axes, count in (((0, 2, 3), 40 * 512), ((1, 2, 3), 64 * 512), ((0, 1), 40 * 64)):
        deviation = float(values.mean(axes).std()) * (12 * count) ** 0.5
        assert 0.7 < deviation < 1.35


def test_few_seeds_in_a_row_give_unrelated_dropout() -> None:
    kept = Noise(KEYS, 0).keep(torch.arange(64), SITE.expand(64), (768,), torch.full((64,), 0.5)) > 0
    agreement = (kept[:, None] == kept[None]).double().mean(-1)[~torch.eye(64, dtype=torch.bool)]
    assert float(agreement.min()) > 0.42 and float(agreement.max()) < 0.58


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_dropout_drops_at_its_rate_and_keeps_the_mean(rate: float) -> None:
    keep = Noise(KEYS, 2).keep(torch.arange(64), SITE.expand(64), (32, 48), torch.full((64,), rate))
    dropped = float((keep == 0).double().mean())
    assert abs(dropped - rate) < 4 * (rate * (1 - rate) / keep.numel()) ** 0.5 + 1e-9
    assert sorted(set(keep.flatten().tolist())) == pytest.approx(([0.0] if rate else []) + [1 / (1 - rate)])


def test_each_place_drops_at_the_rate_of_its_row() -> None:
    keep = Noise(KEYS[:2], 2).keep(torch.tensor([0, 1]), SITE.expand(2), (100, 100), torch.tensor([0.2, 0.7]))
    assert [(part == 0).double().mean().item() for part in keep] == pytest.approx([0.2, 0.7], abs=0.02)


def test_normal_numbers_have_unit_variance_and_normal_tails() -> None:
    values = Noise(KEYS, 1).normal(torch.arange(64), SITE.expand(64), (32, 48))
    assert abs(float(values.mean())) < 0.02
    assert abs(float(values.std()) - 1) < 0.02
    assert abs(float((values.abs() > 1.96).double().mean()) - 0.05) < 0.005

"""Noise depends only on a row's seed, the step, the place and the position, and looks random along each of them."""

import numpy as np
import pytest
import torch

from haemsa.model.network.cohort import Cohort, CohortRow
from haemsa.model.network.noise import Noise, Places, site, step_keys
from tests.support.model.random_genomes import SCHEMA, random_rows

KEYS = Cohort([CohortRow(random_rows(1, 0)[0].genome, seed) for seed in range(64)], SCHEMA).noise_keys()
SITE = site("levels.0.experts.0.0")


def uniform(
    step: int, shape: tuple[int, int] = (32, 48), keys: torch.Tensor = KEYS, name: int = SITE, beside: int = 0
) -> torch.Tensor:
    """Numbers of one place for each key; `beside`: other places of the step have so many units."""
    samples, units = shape
    places = Places(range(len(keys)), [name] * len(keys), units=units)
    others = [Places([0], [1], units=beside), Places([0], [2])] if beside else []
    return Noise([*others, places], step_keys(keys, step)[0], samples).uniform(places)


def kept(rate: torch.Tensor, step: int, samples: int, units: int) -> torch.Tensor:
    rows = range(len(rate))
    places = Places(rows, [SITE] * len(rate), units=units, rate=rate)
    return Noise([places], step_keys(KEYS[: len(rate)], step)[0], samples).keep(places)


def correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(np.corrcoef(a.flatten().numpy(), b.flatten().numpy())[0, 1])


def test_numbers_do_not_depend_on_padding() -> None:
    torch.testing.assert_close(uniform(3, shape=(32, 48))[:, :7, :5], uniform(3, shape=(7, 5)), rtol=0, atol=0)


def test_numbers_do_not_depend_on_neighbours_or_on_the_place_in_a_cohort() -> None:
    alone = uniform(3, (4, 6), KEYS[5:6])
    torch.testing.assert_close(uniform(3, shape=(4, 6))[5:6], alone, rtol=0, atol=0)


def test_numbers_do_not_depend_on_what_else_is_drawn() -> None:
    torch.testing.assert_close(uniform(3), uniform(3, beside=50), rtol=0, atol=0)


def test_a_number_is_the_hash_of_seed_step_site_and_position() -> None:
    """By hand, with Python's integers: numbers of earlier versions must come again."""

    def mixed(x: int) -> int:
        x = x * 0x21F0AAAD % 2**32
        return (x ^ (x >> 15)) * 0x735A2D97 % 2**32

    def twice(x: int) -> int:
        x = mixed(x)
        return mixed(x ^ (x >> 16))

    key = twice(twice(int(KEYS[2]) % 2**32 ^ twice(7)) ^ SITE % 2**32)
    bits = mixed(key ^ (5 << 12 | 9))
    high = (bits - 2**32 if bits >= 2**31 else bits) >> 9
    assert float(uniform(7)[2, 5, 9]) == pytest.approx((high + 2**22 + 0.5) / 2**23, rel=1e-6)


def test_keys_of_several_steps_are_those_of_each() -> None:
    last = (1 << 31) - 1  # from there on, steps are counted anew
    assert torch.equal(step_keys(KEYS, last, 2), torch.cat([step_keys(KEYS, last), step_keys(KEYS, 0)]))


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
    other_site = uniform(0, name=site("b"))
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
    places = Places(range(64), [SITE] * 64, samples=False, units=768, rate=torch.full((64,), 0.5))
    here = Noise([places], step_keys(KEYS, 0)[0], 32).keep(places) > 0
    agreement = (here[:, None] == here[None]).double().mean(-1)[~torch.eye(64, dtype=torch.bool)]
    assert float(agreement.min()) > 0.42 and float(agreement.max()) < 0.58


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_dropout_drops_at_its_rate_and_keeps_the_mean(rate: float) -> None:
    keep = kept(torch.full((64,), rate), 2, 32, 48)
    dropped = float((keep == 0).double().mean())
    assert abs(dropped - rate) < 4 * (rate * (1 - rate) / keep.numel()) ** 0.5 + 1e-9
    assert sorted(set(keep.flatten().tolist())) == pytest.approx(([0.0] if rate else []) + [1 / (1 - rate)])


def test_each_place_drops_at_the_rate_of_its_row() -> None:
    keep = kept(torch.tensor([0.2, 0.7]), 2, 100, 100)
    assert [(part == 0).double().mean().item() for part in keep] == pytest.approx([0.2, 0.7], abs=0.02)


def test_normal_numbers_have_unit_variance_and_normal_tails() -> None:
    places = Places(range(64), [SITE] * 64, units=48)
    values = Noise([places], step_keys(KEYS, 1)[0], 32).normal(places)
    assert abs(float(values.mean())) < 0.02
    assert abs(float(values.std()) - 1) < 0.02
    assert abs(float((values.abs() > 1.96).double().mean()) - 0.05) < 0.005

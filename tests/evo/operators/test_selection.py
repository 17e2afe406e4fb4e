"""Who breeds and who survives; ranks by DEAP are those of moocore."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from deap import tools
from hypothesis import given, settings
from hypothesis import strategies as st

from haemsa.evo import Fitness, Individual
from haemsa.evo.nsga2 import best_first, non_dominated_ranks
from haemsa.evo.operators import selection
from haemsa.evo.operators.confined import confined
from haemsa.evo.operators.selection import select, survive

# (1,4) (2,3) (4,1) are the front; (2,4) and (4,3) lie behind it, (5,5) behind those
TABLE = [[1.0, 4.0], [2.0, 4.0], [2.0, 3.0], [4.0, 1.0], [4.0, 3.0], [5.0, 5.0]]


def people(losses: list[list[float]], levels: list[int] | None = None) -> list[Individual[int]]:
    return [
        Individual(place, Fitness((-1.0,) * len(row), row, levels[place] if levels else 0), place)
        for place, row in enumerate(losses)
    ]


def ids(individuals: list[Individual[int]]) -> list[int]:
    return [individual.id for individual in individuals]


def chosen(individuals: list[Individual[int]], count: int, seed: int = 0) -> list[int]:
    with confined(np.random.default_rng(seed)):
        return ids(select(individuals, count))


# -- parents


@pytest.mark.parametrize("size", [2, 3, 4, 5, 6, 7, 10])
@pytest.mark.parametrize("count", [1, 2, 5, 8, 30])
def test_any_number_of_parents_comes_from_any_population(size: int, count: int) -> None:
    losses = [[float(n), -float(n)] for n in range(size)]
    assert len(chosen(people(losses), count)) == count


def test_a_dominated_competitor_never_wins() -> None:
    assert set(chosen(people([[0.0, 0.0], [1.0, 1.0], [1.0, 2.0], [2.0, 1.0]]), 100)) >= {0}
    losses = [[float(n), float(n)] for n in range(8)]
    assert 7 not in chosen(people(losses), 200)


def test_a_higher_level_wins_whatever_the_scores() -> None:
    low_and_high = people([[0.0, 0.0], [9.0, 9.0], [0.1, 0.1], [0.2, 0.2]], [0, 1, 0, 0])
    counts = Counter(chosen(low_and_high, 400))
    assert counts[1] == 200  # it takes part in each second tournament and wins


def test_between_equals_the_less_crowded_wins() -> None:
    front = people([[0.0, 3.0], [1.0, 2.0], [2.0, 1.0], [3.0, 0.0]])
    for individual, distance in zip(front, (1.0, 0.1, 0.1, 1.0), strict=True):
        individual.fitness.crowding_dist = distance
    counts = Counter(chosen(front, 400))
    assert counts[0] + counts[3] > 300


# -- survivors


def test_survivors_fill_up_by_rank_then_by_crowding() -> None:
    assert sorted(ids(survive(people(TABLE), 4))[:3]) == [0, 2, 3]
    assert ids(survive(people(TABLE), 4))[3] in (1, 4)
    assert sorted(ids(survive(people(TABLE), 99))) == [0, 1, 2, 3, 4, 5]


def test_the_most_crowded_of_a_front_goes_first() -> None:
    # (5, 5) has neighbours 2.1 and 3.1 of 10 apart, (4.9, 5.1) and (7, 2) have them 5 and 5 of 10 apart
    front = [[0.0, 10.0], [4.9, 5.1], [5.0, 5.0], [7.0, 2.0], [10.0, 0.0]]
    kept = survive(people(front), 4)
    assert sorted(ids(kept)) == [0, 1, 3, 4]
    # before (5, 5) went: the mean over the objectives of the gap between both neighbours
    assert {item.id: item.fitness.crowding_dist for item in kept} == {
        0: np.inf,
        1: pytest.approx((5 / 10 + 5 / 10) / 2),
        3: pytest.approx((5 / 10 + 5 / 10) / 2),
        4: np.inf,
    }


def test_a_level_comes_before_all_lower_ones() -> None:
    assert ids(survive(people([[0.0, 0.0], [9.0, 9.0], [8.0, 8.0]], [0, 1, 1]), 3)) == [2, 1, 0]


def test_copies_push_nobody_out_and_fill_what_is_left() -> None:
    front = [[0.0, 8.0], [0.0, 8.0], [0.0, 8.0], [4.0, 0.0], [4.0, 0.0], [1.0, 4.0], [2.0, 3.0]]
    assert sorted(ids(survive(people(front), 4))) == [0, 3, 5, 6]
    assert ids(survive(people(front), 6))[4:] == [1, 2]
    assert len(tools.selNSGA2(people(front), 4)) == 4 and {5, 6} - set(ids(tools.selNSGA2(people(front), 4)))


def test_with_one_objective_the_best_survive_copies_included() -> None:
    assert ids(survive(people([[3.0], [1.0], [2.0], [1.0]]), 3)) == [1, 3, 2]


def test_nobody_survives_where_nobody_was() -> None:
    assert survive([], 3) == []


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), objectives=st.integers(2, 3), digits=st.integers(1, 9), sort=st.integers(1, 600))
def test_survivors_of_deap_have_the_ranks_that_moocore_finds(
    seed: int, objectives: int, digits: int, sort: int
) -> None:
    rng = np.random.default_rng(seed)
    losses = np.unique(rng.random((40, objectives)).round(digits), axis=0)
    rng.shuffle(losses)
    count = int(rng.integers(1, len(losses) + 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "MOST_SORTED", sort)  # DEAP sorts all, or moocore finds the fronts
        kept = ids(survive(people(losses.tolist()), count))
    ranks = non_dominated_ranks(losses)
    assert len(set(kept)) == count
    assert sorted(ranks[kept]) == sorted(ranks)[:count]
    everyone = np.ones(len(losses), dtype=bool)
    crowding = best_first(losses, ranks, everyone, count)[1]
    own = {n: crowding[n] for n in kept if ranks[n] == max(ranks[kept])}
    others = [crowding[n] for n in np.flatnonzero(ranks == max(ranks[kept])) if n not in kept]
    if digits == 9:  # equal values of an objective may be put in any order
        assert not others or min(own.values()) >= max(others) - 1e-9


# -- four objectives


def test_with_four_objectives_survivors_spread_over_directions_and_the_front_comes_first() -> None:
    rng = np.random.default_rng(0)
    points = rng.random((60, 4))
    front = points / np.linalg.norm(points, axis=1, keepdims=True)
    losses = np.concatenate([front, front + 1.0]) * [1.0, 1e-3, 50.0, 1.0] + [0.0, 7.0, 1e4, -3.0]
    with confined(np.random.default_rng(0)):
        kept = ids(survive(people(losses.tolist()), 24))
    assert len(set(kept)) == 24 and max(kept) < 60
    for place in range(4):  # the best of each objective has a niche of its own
        assert front[kept][:, place].min() < np.quantile(front[:, place], 0.1)


def test_there_are_about_as_many_directions_as_survivors() -> None:
    assert [len(selection._directions(4, count)) for count in (1, 20, 34, 35, 10**6)] == [4, 20, 20, 35, 220]


@given(st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_levels_and_copies_of_many_objectives_all_survive_where_there_is_room(seed: int) -> None:
    rng = np.random.default_rng(seed)
    losses = rng.integers(0, 3, (20, 4)).astype(float).tolist()
    levels = rng.integers(0, 2, 20).tolist()
    with confined(rng):
        kept = survive(people(losses, levels), 15)
    assert len(set(ids(kept))) == 15
    assert [item.level for item in kept] == sorted((item.level for item in kept), reverse=True)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haemsa.evo.nsga2 import best_first, crowding_distance, non_dominated_ranks

# (1,4) (2,3) (4,1) are the front; (2,4) and (4,3) lie behind it, (5,5) behind those
TABLE = np.array([[1.0, 4.0], [2.0, 4.0], [2.0, 3.0], [4.0, 1.0], [4.0, 3.0], [5.0, 5.0]])


def test_ranks_follow_a_table_made_by_hand() -> None:
    assert non_dominated_ranks(TABLE).tolist() == [0, 1, 0, 0, 1, 2]


def test_copies_share_a_rank() -> None:
    assert non_dominated_ranks(np.array([[1.0, 2.0], [1.0, 2.0], [2.0, 2.0]])).tolist() == [0, 0, 1]


def test_one_objective_ranks_by_value() -> None:
    assert non_dominated_ranks(np.array([[3.0], [1.0], [2.0], [1.0]])).tolist() == [2, 0, 1, 0]


def test_three_objectives_rank_by_dominance() -> None:
    assert non_dominated_ranks(np.array([[1.0, 1, 1], [2, 1, 1], [0, 2, 2], [2, 2, 2]])).tolist() == [0, 1, 0, 2]


def test_nothing_has_no_ranks() -> None:
    assert non_dominated_ranks(np.zeros((0, 2))).tolist() == []


def test_crowding_is_the_mean_gap_between_neighbours_over_the_range() -> None:
    # ranges 4 and 8; the neighbours of (1, 4) are 2 apart of 4 and 5 apart of 8, those of (2, 3) 3 of 4 and 4 of 8
    front = np.array([[0.0, 8.0], [1.0, 4.0], [2.0, 3.0], [4.0, 0.0]])
    distances = crowding_distance(front).tolist()
    assert distances == [np.inf, pytest.approx((2 / 4 + 5 / 8) / 2), pytest.approx((3 / 4 + 4 / 8) / 2), np.inf]


def test_a_copy_has_no_crowding_distance_and_changes_that_of_no_other() -> None:
    front = np.array([[0.0, 8.0], [1.0, 4.0], [1.0, 4.0], [2.0, 3.0], [4.0, 0.0]])
    without = crowding_distance(front[[0, 1, 3, 4]])
    assert crowding_distance(front)[[0, 1, 3, 4]].tolist() == without.tolist()
    assert crowding_distance(front)[2] == 0


def test_an_objective_that_is_equal_for_all_adds_no_distance() -> None:
    front = np.array([[0.0, 1.0, 3.0], [0.4, 1.0, 2.0], [1.0, 1.0, 0.0]])
    assert crowding_distance(front).tolist() == [np.inf, pytest.approx((1 + 0 + 1) / 3), np.inf]


def test_two_points_are_both_extremes() -> None:
    assert crowding_distance(np.array([[1.0, 2.0], [2.0, 1.0]])).tolist() == [np.inf, np.inf]


def test_the_best_come_by_rank_then_by_crowding_and_those_not_wanted_still_crowd() -> None:
    ranks = non_dominated_ranks(TABLE)
    everyone = np.ones(len(TABLE), dtype=bool)
    assert best_first(TABLE, ranks, everyone, 4)[0].tolist() == [0, 3, 2, 1]
    assert sorted(best_first(TABLE, ranks, everyone, 99)[0].tolist()) == [0, 1, 2, 3, 4, 5]
    wanted = everyone.copy()
    wanted[0] = False
    order, crowding = best_first(TABLE, ranks, wanted, 2)
    assert (order.tolist(), crowding[0]) == ([3, 2], np.inf)


def test_ties_go_to_the_lower_index() -> None:
    copies = np.ones((5, 2))
    assert best_first(copies, non_dominated_ranks(copies), np.ones(5, dtype=bool), 2)[0].tolist() == [0, 1]


@given(st.integers(0, 2**32 - 1))
def test_crowding_of_many_fronts_at_once_is_that_of_each(seed: int) -> None:
    rng = np.random.default_rng(seed)
    losses = rng.integers(0, 6, size=(40, 3)).astype(float)
    rank = non_dominated_ranks(losses)
    distances = crowding_distance(losses, rank)
    for number in range(rank.max() + 1):
        np.testing.assert_array_equal(distances[rank == number], crowding_distance(losses[rank == number]))

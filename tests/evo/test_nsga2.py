import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haemsa.evo.nsga2 import crowding_distance, non_dominated_ranks, select_parents, survivors

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


def test_survivors_fill_up_by_rank_then_by_crowding() -> None:
    kept = survivors(TABLE, 4)
    assert kept.indices.tolist() == [0, 3, 2, 1]
    assert kept.ranks.tolist() == [0, 0, 0, 1]


def test_the_most_crowded_of_a_front_goes_first() -> None:
    # (5, 5) has neighbours 2.1 and 3.1 of 10 apart, (4.9, 5.1) and (7, 2) have them 5 and 5 of 10 apart
    front = np.array([[0.0, 10.0], [4.9, 5.1], [5.0, 5.0], [7.0, 2.0], [10.0, 0.0]])
    assert sorted(survivors(front, 4).indices.tolist()) == [0, 1, 3, 4]


def test_fewer_rows_than_asked_for_all_survive() -> None:
    assert sorted(survivors(TABLE, 99).indices.tolist()) == [0, 1, 2, 3, 4, 5]


def test_ties_go_to_the_lower_index() -> None:
    copies = np.ones((5, 2))
    assert survivors(copies, 2).indices.tolist() == [0, 1]


def test_a_dominated_competitor_never_wins() -> None:
    losses, crowding = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([0.0, np.inf])
    chosen = select_parents(losses, crowding, 100, np.random.default_rng(0))
    assert set(chosen.tolist()) == {0}


def test_between_equals_the_less_crowded_wins() -> None:
    losses, crowding = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0.5, 2.0])
    chosen = select_parents(losses, crowding, 100, np.random.default_rng(0))
    assert set(chosen.tolist()) == {1}


def test_every_row_competes_as_often_as_any_other() -> None:
    # in a chain of dominance each row but the last beats those behind it: two permutations make the best win twice
    losses = np.arange(10.0)[:, None].repeat(2, axis=1)
    chosen = select_parents(losses, np.zeros(10), 10, np.random.default_rng(3)).tolist()
    assert chosen.count(0) == 2
    assert 9 not in chosen


def test_the_same_generator_chooses_the_same_parents() -> None:
    crowding = np.arange(6.0)
    first, second = (select_parents(TABLE, crowding, 8, np.random.default_rng(7)).tolist() for _ in range(2))
    assert first == second


@given(st.integers(0, 2**32 - 1))
def test_crowding_of_many_fronts_at_once_is_that_of_each(seed: int) -> None:
    rng = np.random.default_rng(seed)
    losses = rng.integers(0, 6, size=(40, 3)).astype(float)
    rank = non_dominated_ranks(losses)
    distances = crowding_distance(losses, rank)
    for number in range(rank.max() + 1):
        np.testing.assert_array_equal(distances[rank == number], crowding_distance(losses[rank == number]))

from collections.abc import Collection
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haemsa.evo import climbing
from haemsa.evo.climbing import Rung, little_skill
from haemsa.evo.evolution import Evolution
from haemsa.evo.nsga2 import non_dominated_ranks
from haemsa.evo.rungs import Fidelity, Ladder
from tests.support.evo.real_space import RealSpace, zdt1

POINTS = np.array([[1.0, 4.0], [2.0, 2.0], [4.0, 1.0], [3.0, 3.0], [5.0, 5.0], [2.1, 2.1]])
IDS = np.array([10, 11, 12, 13, 14, 15])
"""Three on the front (11 between the others), then 15, then 13, then 14."""


def contenders(
    losses: np.ndarray, ids: np.ndarray, climbed: Collection[int], count: int, *, favours_first: bool = False
) -> list[int]:
    ranks, little = non_dominated_ranks(losses), np.zeros(len(ids), dtype=bool)
    return climbing.contenders(losses, ids, ranks, little, climbed, count, favours_first=favours_first)


def promotable(losses: np.ndarray, ids: np.ndarray, climbed: set[int], eta: int) -> list[int]:
    rung = Rung(2)
    for number, row in zip(ids.tolist(), losses, strict=True):
        rung.put(number, row)
    rung.climbed |= climbed
    return rung.promotable(eta)


def test_the_front_climbs_first_its_ends_before_its_middle() -> None:
    assert contenders(POINTS, IDS, (), 6) == [10, 12, 11, 15, 13, 14]


def test_every_other_one_is_the_best_in_the_first_objective_where_that_is_favoured() -> None:
    assert contenders(POINTS, IDS, (), 6, favours_first=True) == [10, 11, 12, 15, 13, 14]
    losses = np.array([[0.1, 90], [0.11, 95], [0.12, 99], [0.5, 20], [0.6, 10], [0.7, 1]])  # two are dominated
    ids = np.arange(6)
    assert contenders(losses, ids, (), 4) == [0, 5, 3, 4]
    assert contenders(losses, ids, (), 4, favours_first=True) == [0, 1, 5, 2]
    assert contenders(losses, ids, {0, 5}, 2, favours_first=True) == [1, 3]


def test_of_equals_in_the_first_objective_the_best_in_the_others_comes_first_then_the_lower_id() -> None:
    losses = np.array([[1.0, 5.0], [1.0, 4.0], [1.0, 4.0], [1.0, 6.0]])
    assert contenders(losses, np.arange(4), (), 4, favours_first=True)[:2] == [1, 2]


def test_never_more_than_one_in_eta_climbs() -> None:
    assert promotable(POINTS, IDS, set(), 3) == [10, 12]
    assert promotable(POINTS[:2], IDS[:2], set(), 3) == []


def test_who_climbed_before_counts_and_does_not_climb_again() -> None:
    assert promotable(POINTS, IDS, {10}, 3) == [12]
    assert promotable(POINTS, IDS, {13, 14}, 3) == []
    assert promotable(POINTS, IDS, {13, 14}, 2) == [10]


def test_a_rung_ranks_anew_when_someone_comes_or_climbs() -> None:
    rung = Rung(2)
    for number, row in zip(IDS.tolist(), POINTS, strict=True):
        rung.put(number, row)
    assert rung.contenders(2) == [10, 12]
    assert rung.contenders(1) == [10]
    rung.put(20, np.array([0.5, 0.5]))
    assert rung.contenders(2) == [20, 10]
    rung.climbed.add(20)
    assert rung.contenders(3) == [10, 12, 11]


@given(st.permutations(range(6)), st.sets(st.sampled_from(IDS.tolist()), max_size=2), st.integers(2, 4))
@settings(max_examples=60, deadline=None)
def test_the_order_in_which_candidates_came_does_not_matter(order: list[int], promoted: set[int], eta: int) -> None:
    assert promotable(POINTS[order], IDS[order], promoted, eta) == promotable(POINTS, IDS, promoted, eta)


FEW_VALUES = st.tuples(st.integers(0, 3), st.integers(0, 3))


@given(st.lists(FEW_VALUES, min_size=1, max_size=20), st.randoms(use_true_random=False), st.integers(2, 4))
@settings(max_examples=60, deadline=None)
def test_copies_and_ties_climb_in_the_order_of_ids_alone(
    points: list[tuple[int, int]], random: Random, eta: int
) -> None:
    losses, ids, order = np.array(points, dtype=float), np.arange(len(points)), list(range(len(points)))
    random.shuffle(order)
    assert promotable(losses[order], ids[order], set(), eta) == promotable(losses, ids, set(), eta)


@given(st.lists(FEW_VALUES, min_size=1, max_size=40), st.integers(2, 4))
@settings(max_examples=60, deadline=None)
def test_however_they_come_no_one_climbs_twice_and_one_in_eta_does(points: list[tuple[int, int]], eta: int) -> None:
    rung, climbed = Rung(2), list[int]()
    for number, point in enumerate(points):
        rung.put(number, np.array(point, dtype=float))
        ids = rung.promotable(eta)
        rung.climbed.update(ids)
        climbed += ids
        assert len(climbed) == (number + 1) // eta == len(set(climbed))
    assert rung.promotable(eta) == []


def test_who_has_less_than_a_quarter_of_the_best_skill_climbs_after_all_others() -> None:
    rung = Rung(2)
    for number, row, skill in zip(IDS.tolist(), POINTS, (0.8, 0.4, 0.19, 0.21, 0.0, 0.2), strict=True):
        rung.put(number, row, skill)
    assert rung.contenders(6) == [10, 11, 15, 13, 12, 14]


def test_who_has_little_skill_climbs_last_also_if_the_first_objective_is_a_cost() -> None:
    rung = Rung(2, favours_first=True)
    rows = np.array([[1.0, 0.9], [2.0, 0.9], [30.0, 0.4], [20.0, 0.5], [10.0, 0.6]])
    for number, (row, skill) in enumerate(zip(rows, (0.0, 0.0, 0.6, 0.5, 0.4), strict=True)):
        rung.put(number, row, skill)
    assert [rung.contenders(count) for count in (1, 2, 5)] == [[4], [4, 2], [4, 2, 3, 0, 1]]


def test_skill_is_little_below_a_quarter_of_the_best() -> None:
    assert little_skill(np.array([0.8, 0.2, 0.19, -0.1])).tolist() == [False, False, True, True]


@pytest.mark.parametrize("skills", [[0.0, 0.0, 0.0], [-0.1, -0.4, -0.2], []])
def test_if_none_is_better_than_a_trivial_prediction_no_skill_counts_as_little(skills: list[float]) -> None:
    assert not little_skill(np.array(skills)).any()


def test_fewer_wait_than_are_wanted() -> None:
    assert contenders(POINTS, IDS, {10, 11, 12, 15}, 9) == [13, 14]
    assert contenders(POINTS, IDS, set(IDS.tolist()), 9) == []
    assert contenders(np.zeros((0, 2)), np.zeros(0, dtype=int), (), 9) == []


def test_who_climbed_still_crowds_those_beside_it() -> None:
    # without those that climbed, 2 and 3 would be the ends of what is left, and the lower id would come first
    losses = np.array([[0.0, 10], [1, 9], [2, 8], [6, 4], [10, 0]])
    ids = np.arange(5)
    assert contenders(losses, ids, (), 5) == [0, 4, 3, 2, 1]
    assert contenders(losses, ids, {1, 0, 4}, 2) == [3, 2]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=30), st.integers(0, 30))
@settings(max_examples=80, deadline=None)
def test_no_one_is_passed_over_for_one_it_dominates(points: list[tuple[int, int]], count: int) -> None:
    losses, ids = np.array(points, dtype=float), np.arange(len(points))
    chosen = set(contenders(losses, ids, (), count))
    assert len(chosen) == min(count, len(points))
    for number in set(ids.tolist()) - chosen:
        for other in chosen:
            better = (losses[number] <= losses[other]).all() and (losses[number] < losses[other]).any()
            assert not better


def test_while_others_are_bred_candidates_climb_in_the_order_they_were_asked_for_and_at_once_in_the_end() -> None:
    two = Ladder((Fidelity(1), Fidelity(2)), eta=3, full=1)
    evolution = Evolution(RealSpace(4), {"f1": "min", "f2": "min"}, seed=0, population_size=30, ladder=two)
    slow, *others = evolution.ask(10)
    for candidate in others:
        evolution.tell(candidate, zdt1(candidate.genome))
    assert [candidate.rung for candidate in evolution.ask(1)] == [0]
    assert [candidate.rung for candidate in evolution.ask(9, new=0)] == [1, 1, 1]
    assert slow in evolution.pending


def test_a_survivor_that_climbs_in_the_end_keeps_its_scores_until_its_turn_comes() -> None:
    two = Ladder((Fidelity(1), Fidelity(2)), eta=3, full=1)
    evolution = Evolution(RealSpace(4), {"f1": "min", "f2": "min"}, seed=0, population_size=30, ladder=two)
    for candidate in evolution.ask(10):
        evolution.tell(candidate, zdt1(candidate.genome))
    _, second, _ = evolution.ask(9, new=0)
    evolution.tell(second, zdt1(second.genome))
    assert {item.id: item.level for item in evolution.population} == dict.fromkeys(range(10), 0)


def test_the_replicates_that_may_be_trained_are_those_that_a_rung_adds_for_each_that_may_climb() -> None:
    rungs = Ladder((Fidelity(1), Fidelity(None, 1), Fidelity(None, 5)), eta=3, full=2)
    evolution = Evolution(RealSpace(4), {"f1": "min", "f2": "min"}, seed=0, population_size=18, ladder=rungs)
    for candidate in evolution.ask(18):
        evolution.tell(candidate, zdt1(candidate.genome))
    assert evolution.climbable == 6  # six of eighteen, with one replicate each
    for candidate in evolution.ask(6, new=0):
        evolution.tell(candidate, zdt1(candidate.genome))
    assert evolution.climbable == 2 * 4  # two of six, with four more folds each
    evolution.ask(6, new=0)
    assert evolution.climbable == 0

"""Rungs in both modes, with many candidates evaluated at a time: outcomes come in any order, fail, or never come."""

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from haemsa.evo import Candidate, Evaluated, Evolution, Failure, Score
from haemsa.evo.rungs import Fidelity, Ladder
from haemsa.evo.settings import Mode
from tests.support.evo.real_space import RealSpace, Vector, zdt1

TWO = Ladder((Fidelity(1), Fidelity(2)), eta=3, full=1)
FOUR = Ladder((Fidelity(1), Fidelity(2), Fidelity(None, 2), Fidelity(None, 4)), eta=3, full=2)
SURER = Ladder((Fidelity(None, 2), Fidelity(None, 4), Fidelity(None, 6)), eta=2, full=0)
MODES: tuple[Mode, ...] = ("steady", "generational")
both_modes = pytest.mark.parametrize("mode", MODES)


def search(rungs: Ladder, mode: Mode = "steady", population: int = 6) -> Evolution[Vector]:
    settings: dict[str, Any] = {"population_size": population, "mode": mode, "ladder": rungs}
    return Evolution(RealSpace(4), {"f1": "min", "f2": "min"}, seed=0, **settings)


def outcome(candidate: Candidate[Vector]) -> dict[str, Score] | Failure:
    """Scores with the number of replicates of a rung of `SURER`; some candidates fail on their second rung."""
    if candidate.rung == 1 and candidate.id % 7 == 3:
        return Failure("nan", "it diverged later")
    rng = np.random.default_rng([candidate.id, candidate.rung])
    blur = 0.2 * rng.normal(size=2 * (candidate.rung + 1))
    return {name: Score.of((value + blur).tolist()) for name, value in zdt1(candidate.genome).items()}


def tell(evolution: Evolution[Vector], candidates: list[Candidate[Vector]]) -> None:
    for candidate in candidates:
        evolution.tell(candidate, zdt1(candidate.genome))


def ids_of(evolution: Evolution[Vector]) -> set[int]:
    return {individual.id for individual in evolution.population}


def levels_of(evolution: Evolution[Vector]) -> dict[int, int]:
    return {individual.id: individual.level for individual in evolution.population}


def begun() -> tuple[Evolution[Vector], list[Candidate[Vector]]]:
    """A search with a population of six, and what is still being evaluated: a new candidate, then two that climb."""
    evolution = search(TWO)
    *first, new = evolution.ask(7)
    tell(evolution, first)
    return evolution, [new, *evolution.ask(1), *evolution.ask(1)]


@both_modes
@pytest.mark.parametrize("workers", [3, 16])
def test_in_whatever_order_outcomes_come_one_in_eta_climbs_and_never_more(mode: Mode, workers: int) -> None:
    evolution, order = search(FOUR, mode, 12), random.Random(workers)
    running: list[Candidate[Vector]] = []
    asked: set[tuple[int, int]] = set()
    counts: Counter[int] = Counter()
    reached: Counter[int] = Counter()
    while True:
        batch = evolution.ask(max(1, workers - len(running)), new=150 - counts[0])
        for candidate in batch:
            assert candidate.rung == 0 or (candidate.id, candidate.rung - 1) in asked
            assert (candidate.id, candidate.rung) not in asked
            asked.add((candidate.id, candidate.rung))
            counts[candidate.rung] += 1
        running += batch
        assert all(counts[rung + 1] <= reached[rung] // 3 for rung in range(3))
        if not running:
            break
        candidate = running.pop(order.randrange(len(running)))
        reached[candidate.rung] += isinstance(evolution.tell(candidate, outcome(candidate)), Evaluated)
    assert counts[0] == len(evolution.archive) == 150
    assert [counts[rung + 1] for rung in range(3)] == [reached[rung] // 3 for rung in range(3)]


def test_one_that_fails_before_its_turn_breeds_no_more_and_the_search_can_be_stopped_there() -> None:
    evolution, (_, _, climber) = begun()
    assert climber.rung == 1 and climber.id in ids_of(evolution)
    evolution.tell(climber, Failure("nan", "it diverged later"))
    assert climber.id not in ids_of(evolution) | evolution.ids_to_keep()
    assert climber.id not in [item.id for item in evolution.front()]
    twin = search(TWO)
    twin.load_state_dict(json.loads(json.dumps(evolution.state_dict(list))), tuple)
    assert ids_of(twin) == ids_of(evolution)
    assert twin.ask(4) == evolution.ask(4)


def test_after_a_failure_on_a_higher_rung_children_are_bred_all_the_same() -> None:
    evolution, (_, _, climber) = begun()
    evolution.tell(climber, Failure("nan", "it diverged later"))
    assert len(evolution.population) == 5
    assert [len(child.parents) for child in evolution.ask(4)] == [2, 2, 2, 2]


def test_in_a_generation_too_one_that_fails_on_a_higher_rung_is_out_at_once() -> None:
    evolution, known = search(FOUR, "generational"), list[Candidate[Vector]]()
    while not known:  # until one climbs that was passed over in its own generation
        assert evolution.generation < 20
        batch = evolution.ask(99)
        known = [candidate for candidate in batch if candidate.id in ids_of(evolution)]
        tell(evolution, [candidate for candidate in batch if candidate not in known])
    evolution.tell(known[0], Failure("nan", "it diverged later"))
    assert known[0].id not in ids_of(evolution)
    search(FOUR, "generational").load_state_dict(evolution.state_dict(list), tuple)


def test_scores_of_a_higher_rung_count_from_when_it_is_their_turn() -> None:
    evolution, (new, slow, quick) = begun()
    tell(evolution, [quick, new])  # `new` enters; `quick` waits for `slow`, which was asked for before
    assert levels_of(evolution)[quick.id] == 0
    tell(evolution, [slow])
    assert levels_of(evolution)[quick.id] == levels_of(evolution)[slow.id] == 1
    assert {individual.id for individual in evolution.population[:2]} == {slow.id, quick.id}


@pytest.mark.parametrize("look", [lambda e: e.ids_to_keep(), lambda e: e.state_dict(list), lambda e: e.front()])
@both_modes
def test_a_search_that_is_looked_at_goes_on_as_if_it_were_not(
    mode: Mode, look: Callable[[Evolution[Vector]], Any]
) -> None:
    plain, other = search(TWO, mode, 12), search(TWO, mode, 12)
    for _ in range(60):
        batch = plain.ask(5)
        assert other.ask(5) == batch
        for candidate in batch:
            plain.tell(candidate, outcome(candidate))
            other.tell(candidate, outcome(candidate))
            look(other)
    assert other.front() == plain.front()


@both_modes
def test_a_search_with_unequal_replicates_goes_on_from_rows_in_any_order(mode: Mode) -> None:
    evolution = search(SURER, mode, 8)
    for _ in range(40):
        for candidate in evolution.ask(3):
            evolution.tell(candidate, outcome(candidate))
    assert evolution.archive.uneven
    saved = json.loads(json.dumps(evolution.state_dict(list)))
    rows = saved.pop("rows")
    random.Random(0).shuffle(rows)
    twin = search(SURER, mode, 8)
    twin.load_state_dict(saved, tuple, rows)
    for _ in range(40):
        batch = evolution.ask(3)
        assert twin.ask(3) == batch
        for candidate in batch:
            assert twin.tell(candidate, outcome(candidate)) == evolution.tell(candidate, outcome(candidate))
    assert twin.front() == evolution.front()
    assert twin.state_dict(list, rows=False) == evolution.state_dict(list, rows=False)

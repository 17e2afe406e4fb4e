"""Results are used in the order in which candidates were requested."""

from hypothesis import given, settings
from hypothesis import strategies as st

from haemsa.evo.candidate import Evaluated
from haemsa.evo.population import Arrivals


def record(number: int) -> Evaluated[str]:
    return Evaluated(number, "genome", (), {})


def taken(arrivals: Arrivals[str], patience: int = 99) -> list[int]:
    return [item.id for item in arrivals.take(patience)]


def test_outcomes_enter_in_the_order_asked_for() -> None:
    arrivals: Arrivals[str] = Arrivals()
    arrivals.asked([1, 2, 3])
    arrivals.end(record(3))
    assert taken(arrivals) == []
    arrivals.end(record(1))
    assert taken(arrivals) == [1]
    arrivals.end(record(2))
    assert taken(arrivals) == [2, 3]
    assert (arrivals.order, arrivals.ended) == ([], {})


def test_one_that_takes_too_long_is_overtaken_and_enters_when_it_ends() -> None:
    arrivals: Arrivals[str] = Arrivals()
    arrivals.asked([1, 2, 3, 4, 5])
    arrivals.end(record(3))
    arrivals.end(record(2))
    assert taken(arrivals, patience=2) == []
    arrivals.end(record(4))
    assert taken(arrivals, patience=2) == [2, 3, 4]
    arrivals.end(record(1))
    assert taken(arrivals, patience=2) == [1]
    assert (arrivals.order, arrivals.ended) == ([5], {})


def test_nobody_waits_any_more_for_one_that_was_overtaken() -> None:
    arrivals: Arrivals[str] = Arrivals()
    arrivals.asked(range(1, 7))
    for number in (2, 3, 4):
        arrivals.end(record(number))
    assert taken(arrivals, patience=2) == [2, 3, 4]
    arrivals.end(record(5))
    assert taken(arrivals, patience=2) == [5]


def test_of_two_slow_ones_each_is_waited_for() -> None:
    arrivals: Arrivals[str] = Arrivals()
    arrivals.asked([1, 2, 3, 4, 5, 6])
    for number in (2, 4, 5):
        arrivals.end(record(number))
    assert taken(arrivals, patience=2) == [2]
    arrivals.end(record(6))
    assert taken(arrivals, patience=2) == [4, 5, 6]


def test_without_patience_outcomes_enter_as_they_end() -> None:
    arrivals: Arrivals[str] = Arrivals()
    arrivals.asked([1, 2, 3])
    for number in (3, 1, 2):
        arrivals.end(record(number))
        assert taken(arrivals, patience=0) == [number]


def test_all_that_ended_can_be_taken_by_id() -> None:
    arrivals: Arrivals[str] = Arrivals()
    arrivals.asked([7, 3, 5])
    arrivals.end(record(7))
    arrivals.end(record(3))
    assert [item.id for item in arrivals.take_all()] == [3, 7]
    assert arrivals.order == [5]


@given(st.permutations(range(20)), st.integers(0, 25), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_every_outcome_enters_once_and_in_order_unless_it_was_overtaken(
    ends: list[int], patience: int, ahead: int
) -> None:
    arrivals: Arrivals[str] = Arrivals()
    arrivals.asked(range(ahead))
    asked, entered = ahead, []
    ends = list(ends)
    while ends:
        number = next(number for number in ends if number < asked)
        ends.remove(number)
        arrivals.end(record(number))
        entered += taken(arrivals, patience)
        assert len(arrivals.ended) <= patience
        arrivals.asked(range(asked, min(20, asked + 1)))
        asked = min(20, asked + 1)
    assert sorted(entered) == list(range(20))
    if patience >= 20:
        assert entered == sorted(entered)

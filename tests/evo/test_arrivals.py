from evo.arrivals import Arrivals
from evo.candidate import Evaluated
from evo.table import Table


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


def test_one_that_takes_too_long_is_overtaken_by_the_first_that_ended() -> None:
    arrivals: Arrivals[str] = Arrivals()
    arrivals.asked([1, 2, 3, 4])
    for number in (4, 2, 3):
        arrivals.end(record(number))
    assert taken(arrivals, patience=2) == [2]
    assert arrivals.order == [1, 3, 4]
    arrivals.end(record(1))
    assert taken(arrivals, patience=2) == [1, 3, 4]


def test_all_that_ended_can_be_taken_by_id() -> None:
    arrivals: Arrivals[str] = Arrivals()
    arrivals.asked([7, 3, 5])
    arrivals.end(record(7))
    arrivals.end(record(3))
    assert [item.id for item in arrivals.take_all()] == [3, 7]
    assert arrivals.order == [5]


def test_a_table_replaces_grows_and_forgets() -> None:
    table = Table(2)
    for number in range(200):
        table.put(number, [number, -number])
    table.put(7, [0.5, 0.5])
    table.drop(3)
    table.drop(3)
    assert len(table) == 199
    assert 3 not in table
    assert table.losses_of(7).tolist() == [0.5, 0.5]
    found = dict(zip(table.ids.tolist(), table.losses[:, 0].tolist(), strict=True))
    assert found == {number: 0.5 if number == 7 else float(number) for number in range(200) if number != 3}

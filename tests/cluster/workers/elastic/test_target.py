"""How many workers there should be, as the cluster stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from haemsa.cluster.workers.elastic.crew import Crew
from haemsa.cluster.workers.elastic.target import Stand, target

FIXED = Stand(room=4, placed=2, there=4, rests=False, grows=False)
GROWING = replace(FIXED, grows=True)


@pytest.mark.parametrize(
    ("crew", "room", "expected"),
    [(Crew(), 4, 4), (Crew(), 0, 1), (Crew(3), 4, 3), (Crew(3), 2, 2), (Crew(most=64), 4, 4), (Crew(most=2), 4, 2)],
)
def test_where_no_nodes_come_no_more_are_started_than_have_room(crew: Crew, room: int, expected: int) -> None:
    assert target(crew, replace(FIXED, room=room)) == expected


@pytest.mark.parametrize("placed", [0, 1, 5])
def test_where_nodes_come_all_of_a_number_wait_for_them(placed: int) -> None:
    for crew in (Crew(6), Crew(most=6)):
        assert target(crew, replace(GROWING, room=0, placed=placed)) == 6


def test_without_a_number_as_many_wait_as_have_come() -> None:
    steps = [(0, 1), (1, 2), (2, 4), (4, 8), (8, 16)]
    assert [target(Crew(), replace(GROWING, room=placed, placed=placed)) for placed, _ in steps] == [
        wanted for _, wanted in steps
    ]
    assert target(Crew(), replace(GROWING, room=9, placed=1)) == 9


@pytest.mark.parametrize(("crew", "placed", "expected"), [(Crew(6), 3, 3), (Crew(), 3, 3), (Crew(6), 0, 1)])
def test_while_a_worker_has_nothing_to_do_no_more_are_asked_for(crew: Crew, placed: int, expected: int) -> None:
    assert target(crew, replace(GROWING, placed=placed, rests=True)) == expected

"""Where a front comes from."""

from __future__ import annotations

from haemsa.cluster.report.figures.ancestry import trace

PARENTS = {0: (), 1: (), 2: (1, 0), 3: (2,), 4: (2, 3), 5: (0, 4), 6: ()}


def test_each_genome_is_traced_through_its_fitter_parents_to_a_founder() -> None:
    found = trace(PARENTS, [4, 3, 5])
    assert found.front == (3, 4, 5)
    assert found.parent == {3: 2, 2: 1, 1: None, 4: 2, 5: 0, 0: None}
    assert found.founder == {0: 0, 5: 0, 1: 1, 2: 1, 3: 1, 4: 1}


def test_each_genome_of_the_front_has_a_height_of_its_own_and_an_ancestor_lies_amid_its_children() -> None:
    lane = trace(PARENTS, [4, 3, 5]).lane
    assert sorted(lane[number] for number in (3, 4, 5)) == [0, 1, 2]
    assert lane[2] == (lane[3] + lane[4]) / 2
    assert lane[0] == lane[5]


def test_an_ancestor_that_is_on_the_front_itself_keeps_its_own_height() -> None:
    lane = trace(PARENTS, [2, 3, 4]).lane
    assert sorted(lane[number] for number in (2, 3, 4)) == [0, 1, 2]


def test_ancestors_through_other_parents_are_counted_and_strangers_are_not() -> None:
    assert trace(PARENTS, [5]).others == 4  # 4, 3, 2 and 1, but not 6
    assert trace(PARENTS, [6]).others == 0


def test_a_line_of_ten_thousand_is_traced_without_recursion() -> None:
    found = trace({number: (number - 1,) if number else () for number in range(10_000)}, [9999])
    assert (len(found.parent), set(found.founder.values()), set(found.lane.values())) == (10_000, {0}, {0.0})

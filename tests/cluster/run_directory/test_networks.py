"""Which networks of a search are shown one by one."""

from __future__ import annotations

from haemsa.cluster.run_directory.networks import MOST_NETWORKS, network_rows
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.evo.candidate import Score
from tests.support.cluster.search_fakes import genome


def row(number: int, confirmed: float | None = None, scored: bool = True) -> JournalRow:
    again = None if confirmed is None else {"mae": Score(confirmed, 0.01, 5)}
    outcomes = ({"mae": Score(0.5 + number)},) if scored else ()
    return JournalRow(
        number, genome(number).to_json(), genome(number).key, (number - 1,), 1, "done" if scored else "failed", 2,
        outcomes, None, 3.0, "a", 10.0, 20.0, confirmed=again,
    )  # fmt: skip


def test_the_front_comes_first_then_what_was_confirmed_then_the_survivors() -> None:
    rows = [row(1), row(2, 0.7), row(3, 0.6), row(4), row(5, scored=False), row(6)]
    found = network_rows(rows, [3], [4, 3, 5])
    assert [item["id"] for item in found] == [3, 2, 4]
    assert [(item["on_front"], item["confirmed"]) for item in found] == [(True, True), (False, True), (False, False)]


def test_a_network_has_the_scores_that_it_is_judged_by_and_those_of_the_search() -> None:
    best, other = network_rows([row(1, 0.7), row(2)], [1], [2])
    assert best["scores"] == {"mae": 0.7, "mae_error": 0.01}
    assert best["searched"] == {"mae": 1.5}
    assert (other["scores"], other["searched"]) == ({"mae": 2.5}, {})
    assert (best["parents"], best["began"], best["ended"], best["seconds"]) == ("0", 10.0, 20.0, 3.0)


def test_however_large_a_search_was_its_networks_fit_on_a_page() -> None:
    rows = [row(number) for number in range(300)]
    found = network_rows(rows, list(range(200)), list(range(300)))
    assert len(found) == MOST_NETWORKS
    assert (found[0]["id"], found[-1]["id"]) == (0, 199)  # the ends of the front

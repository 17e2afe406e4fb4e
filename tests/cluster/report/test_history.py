"""How a search came to where it is, told again from its journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from haemsa.cluster.report.history import Replay, replay
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.shared.progress import Status
from haemsa.evo.candidate import Failure, Score
from tests.support.cluster.driver import Driven, Statuses
from tests.support.cluster.search_fakes import genome
from tests.support.cluster.trainers import failing, instant

OBJECTIVES = {"mae": "min", "params": "min"}
STATE = {"reference": [0.1, 1.0], "population_size": 2}
"""As a search before had it: a point that was fixed too early, and that counts no more."""


def row(number: int, generation: int, *ended: tuple[float, float, float], failed: float | None = None) -> JournalRow:
    """`ended`: time, mae and params on each rung; `failed`: when it failed then."""
    return JournalRow(
        id=number,
        genome_json=genome(number).to_json(),
        key=str(number),
        parents=(),
        rung=0,
        status="done" if failed is None else "failed",
        generation=generation,
        outcomes=tuple({"mae": Score(mae), "params": Score(params)} for _, mae, params in ended),
        failure=None if failed is None else Failure("nan", "no"),
        seconds=1.0,
        worker="",
        asked_at=100.0,
        ended_at=failed or ended[-1][0],
        ended=tuple(time for time, *_ in ended),
    )


def test_hypervolume_grows_with_each_outcome_in_the_order_in_which_they_ended() -> None:
    rows = [row(0, 1, (130.0, 0.5, 8.0)), row(1, 1, (110.0, 0.8, 5.0)), row(2, 1, failed=120.0)]
    moments = replay(rows, OBJECTIVES, STATE).moments
    found = [(moment.evaluations, moment.seconds, round(moment.hypervolume, 6)) for moment in moments]
    whole = (0.83 - 0.5) * (8.3 - 5)  # from the best of each to a tenth beyond the worst
    one = round((0.83 - 0.8) * (8.3 - 5) / whole, 6)  # candidate 1 alone
    both = round((0.03 * 3.3 + 0.3 * (8.3 - 8)) / whole, 6)
    assert found == [(1, 10.0, one), (2, 20.0, one), (3, 30.0, both), (3, 30.0, both)]
    assert [item["id"] for item in moments[-1].front] == [0, 1]


def test_only_scores_of_the_highest_rung_reached_are_told() -> None:
    rows = [row(0, 1, (110.0, 0.5, 8.0), (140.0, 0.9, 8.0)), row(1, 1, (120.0, 0.1, 9.0))]
    state = STATE | {"ladder": [3, 1, [3, 1], [None, 1]]}
    moments = replay(rows, OBJECTIVES, state).moments
    assert {moment.seconds for moment in moments} == {40.0}
    assert [dict(item) for item in moments[-1].front] == [{"id": 0, "mae": 0.9, "params": 8.0}]


def test_a_generation_ends_when_the_first_of_the_next_does_and_its_survivors_are_the_best_so_far() -> None:
    rows = [
        row(0, 1, (110.0, 0.5, 8.0)),
        row(1, 1, (111.0, 0.6, 9.0)),
        row(2, 2, (112.0, 0.4, 7.0)),
        row(3, 2, (113.0, 0.9, 9.5)),
    ]
    history = replay(rows, OBJECTIVES, STATE)
    assert history.populations == {1: (0, 1), 2: (2, 0)}
    assert history.survivors == (2, 0)
    fronts = history.fronts()
    assert [(front.generation, front.evaluations) for front in fronts] == [(1, 2), (2, 4)]
    assert [[item["id"] for item in front.front] for front in fronts] == [[0], [2]]


def test_of_many_generations_the_first_and_the_last_are_among_the_few_that_are_drawn() -> None:
    rows = [row(number, 1 + number, (110.0 + number, 0.9 - number / 100, 5.0)) for number in range(40)]
    fronts = replay(rows, OBJECTIVES, STATE).fronts(5)
    assert [front.generation for front in fronts] == [1, 11, 21, 30, 40]


def test_a_failure_on_a_higher_rung_takes_a_candidate_out_again() -> None:
    rows = [row(0, 1, (110.0, 0.5, 8.0), failed=130.0), row(1, 1, (120.0, 0.8, 9.0))]
    state = STATE | {"ladder": [3, 0, [None, 1], [None, 2]]}
    history = replay(rows, OBJECTIVES, state)
    assert [item["id"] for item in history.moments[-1].front] == [1]
    assert history.survivors == (1,)


def test_scores_of_a_level_that_only_a_failure_reached_are_not_told() -> None:
    rows = [row(0, 1, (110.0, 0.5, 8.0), (115.0, 0.3, 8.0), failed=130.0), row(1, 1, (120.0, 0.8, 9.0))]
    state = STATE | {"ladder": [3, 2, [3, 1], [None, 1], [None, 5]]}
    moments = replay(rows, OBJECTIVES, state).moments
    assert [(moment.seconds, [item["id"] for item in moment.front]) for moment in moments] == [
        (10.0, [0]), (30.0, [1]), (30.0, [1]),
    ]  # fmt: skip


def test_the_hypervolume_counts_a_front_that_is_larger_than_the_first_ones() -> None:
    rows = [row(0, 1, (110.0, 0.5, 8.0)), row(1, 2, (120.0, 0.7, 6.0)), row(2, 3, (130.0, 0.3, 900.0))]
    volumes = [moment.hypervolume for moment in replay(rows, OBJECTIVES, STATE).moments]
    assert 0 < volumes[0] < volumes[-1] <= 1
    assert volumes == sorted(volumes)


@pytest.mark.parametrize("rungs", [True, False])
def test_a_replay_that_goes_on_tells_what_one_from_the_start_tells(
    tmp_path: Path, rungs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haemsa.cluster.report.history._MOMENTS", 5)
    followed, compared, goes_on = Replay(), list[int](), list[bool]()

    class Compared(Statuses):
        def update(self, status: Status) -> None:
            rows, state = list(driven.run.journal.rows()), driven.run.journal.state()["evolution"]
            if not any(row.status == "done" for row in rows):
                return
            before = followed._told
            assert followed.history(rows, OBJECTIVES, state) == replay(rows, OBJECTIVES, state)
            compared.append(len(rows))
            goes_on.append(followed._told is before)

    trainer = failing if rungs else instant
    with Driven(tmp_path / "run", trainer, rungs=rungs, mode="steady", evaluations=60) as driven:
        driven.statuses = driven.search.progress = Compared()
        driven.search.run()
    assert len(compared) > 15
    assert all(goes_on[1:])


def test_a_replay_begins_again_if_what_it_told_has_changed() -> None:
    first, other = row(0, 1, (110.0, 0.5, 8.0)), row(0, 1, (111.0, 0.6, 8.0))
    more = row(1, 1, (120.0, 0.8, 5.0))
    followed = Replay()
    for rows in ([first, more], [other, more], [more], [first, more]):
        assert followed.history(rows, OBJECTIVES, STATE) == replay(rows, OBJECTIVES, STATE)
    assert followed.history([first, more], OBJECTIVES, {}) == replay([first, more], OBJECTIVES, {})

"""How long a search still takes: the time to climb and to confirm counts, and nothing ends at "0s left"."""

from __future__ import annotations

from pathlib import Path

import pytest

from haemsa.cluster.search.budget import LEAST_LEFT, Clock, Forecast
from haemsa.cluster.search.confirmation import Confirmation
from haemsa.cluster.search.finish import confirm_front
from haemsa.cluster.shared.progress import Status
from haemsa.cluster.workers.evaluator import Finished
from haemsa.evo.candidate import Score
from haemsa.evo.rungs import Fidelity, Ladder
from tests.support.cluster.driver import Driven, Statuses
from tests.support.cluster.trainers import instant


def forecast(driven: Driven, **measured: float) -> Forecast:
    """A forecast after one candidate took so many seconds of a worker on each rung that is named, such as r0."""
    found = Forecast(driven.search.config, driven.evolution, driven.search.clock)
    for rung, seconds in measured.items():
        found.learn(int(rung[1:]), seconds)
    return found


def test_all_that_climb_are_counted_with_what_their_rung_costs(tmp_path: Path) -> None:
    with Driven(tmp_path / "run", instant, rungs=True, confirm=0) as driven:
        left = forecast(driven, r0=1.0, r1=3.0, r2=8.0, r3=20.0, r4=30.0)
        assert driven.evolution.ladder.eta == 3
        # of 30: 10 climb once, 3 twice, 1 three times; one has ended on each rung
        assert left.climbing(30) == pytest.approx(29 * 1 + 9 * 3 + 2 * 8 + 0 * 20)
        assert left.climbing(1) == 0.0


def test_a_rung_that_nobody_reached_costs_what_its_epochs_and_replicates_add(tmp_path: Path) -> None:
    ladder = Ladder((Fidelity(2), Fidelity(6), Fidelity(None), Fidelity(None, 5)), full=3)
    with Driven(tmp_path / "run", instant, space={"epochs": [4, 20]}, confirm=2) as driven:
        driven.evolution.ladder = ladder
        left = forecast(driven, r0=1.0)
        assert left.climbing(3) == pytest.approx(2 * 1.0 + 1 * 2.0)  # four more epochs after the two of the first rung
        assert left.confirming() == pytest.approx(2 * 5 * 12 / 2)  # two genomes in five folds, for about 12 epochs


def test_one_split_is_confirmed_by_five_seeds(tmp_path: Path) -> None:
    with Driven(tmp_path / "run", instant, confirm=3) as driven:
        assert forecast(driven, r0=2.0).confirming() == pytest.approx(3 * 5 * 2.0)


def test_what_is_in_training_counts_so_that_the_first_cohort_of_two_workers_tells_as_much_as_both() -> None:
    now = 0.0
    clock = Clock(now=lambda: now)
    clock.first_submit = 0.0

    def end(worker: str, at: float, seconds: float) -> float:
        nonlocal now
        now = at
        clock.collected(2, 0.0)
        clock.ended(Finished([], worker, seconds))
        return clock.trained

    assert end("a", 10.0, 10.0) == 20.0  # the other one trains for 10 seconds, too
    assert end("b", 11.0, 11.0) == 22.0  # and now the first one for a second
    assert end("a", 15.0, 5.0) == 30.0
    assert end("a", 60.0, 4.0) == 30.0 + 11.0  # the other one has done nothing: it counts as long as its longest cohort


@pytest.mark.parametrize("mode", ["steady", "generational"])
def test_while_candidates_climb_there_is_time_left_and_the_status_says_so(tmp_path: Path, mode: str) -> None:
    with Driven(tmp_path / "run", instant, rungs=True, mode=mode, confirm=4) as driven:
        driven.search.run()
        seen = driven.statuses.seen
    assert all(status.remaining is None or status.remaining >= LEAST_LEFT for status in seen[:-1])
    assert {status.phase for status in seen if status.evaluations < 24} == {""}
    assert [status.phase for status in seen if status.evaluations == 24][:-1].count("climbing") > 0
    assert seen[0].rung == (1, 3)
    assert seen[-1].rung == (3, 3)


@pytest.mark.parametrize("rungs", [True, False])
def test_the_journal_has_the_time_left_that_is_shown(tmp_path: Path, rungs: bool) -> None:
    noted, shown = list[object](), list[object]()

    class Compared(Statuses):
        def update(self, status: Status) -> None:
            noted.append(driven.run.journal.state()["left"])
            shown.append({"seconds": status.remaining, "phase": status.phase})

    with Driven(tmp_path / "run", instant, rungs=rungs, confirm=4) as driven:
        driven.statuses = driven.search.progress = Compared()
        driven.search.run()
        assert noted[:-1] == [{"seconds": one["seconds"]} for one in shown[:-1]]  # then the front is confirmed
        assert len(noted) > 8
        driven.search.confirmation = Confirmation(driven.search.evaluator, 5, driven._size)
        confirm_front(driven.search)
        left = driven.run.journal.state()["left"]
    assert left.pop("at") > 0
    assert left == shown[-2] == {"seconds": None, "phase": "confirmed 4 of 4"}


def test_the_best_that_is_shown_is_one_network(tmp_path: Path) -> None:
    with Driven(tmp_path / "run", instant, evaluations=12) as driven:
        driven.search.run()
        front, shown = driven.evolution.front(), driven.statuses.seen[-1].best
    assert len(front) > 1
    assert shown == {name: front[0].scores[name].mean for name in ("mae", "params")}
    assert shown["params"] > min(item.scores["params"].mean for item in front)


def test_the_front_that_is_confirmed_says_how_far_it_is_and_is_shown_at_last(tmp_path: Path) -> None:
    with Driven(tmp_path / "run", instant, confirm=2) as driven:
        driven.search.run()
        statistics, (first, *_) = driven.search.statistics, driven.evolution.front()
        begun, half, done = (statistics.confirming(n, 4, 10.0) for n in (0, 1, 4))
        better = {name: Score(score.mean / 2) for name, score in first.scores.items()}
        shown = statistics.confirmed([type(first)(first.id, first.genome, (), better, 0)], 4)
    assert (half.phase, half.remaining, done.remaining) == ("confirmed 1 of 4", 30.0, None)
    assert begun.remaining is not None
    assert begun.remaining >= LEAST_LEFT
    assert (shown.confirmed, shown.front_size, shown.best["mae"]) == (True, 1, better["mae"].mean)

"""The driver going on after an interruption, as a process that was killed and started again."""

from __future__ import annotations

import itertools
import json
import zlib
from pathlib import Path

import pytest

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.search.resume import check_evaluations
from haemsa.cluster.workers.evaluator import InlineEvaluator, JobBatch
from haemsa.cluster.workers.job import Result
from haemsa.evo.candidate import Failure, Score
from tests.support.cluster.driver import Driven, counting
from tests.support.cluster.trainers import instant


def by_neighbours(cohort: JobBatch) -> list[Result]:
    """Scores that depend on who is trained together, so that another cut of a generation would show."""
    shift = zlib.crc32(json.dumps([item.id for item in cohort]).encode()) / 2**32
    return [
        Result(result.id, {**result.outcome, "mae": Score(result.outcome["mae"].mean + shift)}, result.states)
        for result in instant(cohort)
        if not isinstance(result.outcome, Failure)
    ]


def test_patience_counts_on_after_an_interruption(tmp_path: Path) -> None:
    def alike(cohort: JobBatch) -> list[Result]:
        return [Result(item.id, {"mae": Score(1.0), "params": Score(100.0)}) for item in cohort]

    options = {"mode": "generational", "evaluations": None, "patience": 2}
    with Driven(tmp_path / "run", counting(alike, [], stop_at=7), **options) as driven:
        assert driven.search.run() == "interrupted"
    with Driven(tmp_path / "run", alike, **options) as driven:
        assert driven.search.run() == "patience"
        assert len(driven.evolution.archive) == 3 * 8


def test_nodes_that_left_are_counted_on_after_an_interruption(tmp_path: Path) -> None:
    evaluator = InlineEvaluator(counting(instant, [], stop_at=2))
    with Driven(tmp_path / "run", evaluator) as driven:
        evaluator.left = 2
        assert driven.search.run() == "interrupted"
        assert driven.run.journal.state()["nodes_left"] == 2
    evaluator = InlineEvaluator(instant)
    with Driven(tmp_path / "run", evaluator) as driven:
        assert driven.search.nodes_left == 2
        evaluator.left = 1
        driven.search.run()
        assert driven.search.nodes_left == driven.run.journal.state()["nodes_left"] == 3


def test_weights_of_an_earlier_session_are_dropped_with_their_place_on_the_front(tmp_path: Path) -> None:
    with Driven(tmp_path / "run", counting(instant, [], stop_at=2)) as driven:
        driven.search.run()
        first = driven.weights_kept()
    with Driven(tmp_path / "run", instant) as driven:
        driven.search.run()
        assert driven.weights_kept() == {number for number, *_ in driven.front()}
        assert first - driven.weights_kept()


@pytest.mark.parametrize("stop_at", [0, 1, 4, 7])
def test_in_generational_mode_an_interrupted_search_ends_as_one_that_was_not(tmp_path: Path, stop_at: int) -> None:
    whole: list[list[int]] = []
    with Driven(tmp_path / "whole", counting(by_neighbours, whole), mode="generational") as driven:
        driven.search.run()
        expected = driven.front()
    parts: list[list[int]] = []
    with Driven(tmp_path / "parts", counting(by_neighbours, parts, stop_at), mode="generational") as driven:
        assert driven.search.run() == "interrupted"
        assert len(driven.evolution.archive) == sum(map(len, parts))
    with Driven(tmp_path / "parts", counting(by_neighbours, parts), mode="generational") as driven:
        assert driven.search.run() == "evaluations"
        assert driven.front() == expected
    assert parts == whole


def test_a_steady_search_goes_on_with_what_was_being_trained_and_ends_at_its_budget(tmp_path: Path) -> None:
    seen: list[list[int]] = []
    with Driven(tmp_path / "run", counting(instant, seen, stop_at=3)) as driven:
        driven.search.run()
        waiting = [candidate.id for candidate in driven.evolution.pending]
    assert waiting
    with Driven(tmp_path / "run", counting(instant, seen)) as driven:
        assert driven.search.run() == "evaluations"
    assert sorted(seen[3]) == waiting
    assert sorted(itertools.chain(*seen)) == list(range(24))


def test_fewer_evaluations_than_are_done_are_refused(tmp_path: Path) -> None:
    before, counts = SearchConfig.of({"evaluations": 32}), {"asked": 4, "done": 20, "failed": 1}
    check_evaluations(before, before, counts, tmp_path)
    check_evaluations(SearchConfig.of({"evaluations": 24}), before, counts, tmp_path)
    refused = f"evaluations is 5, but the search in {tmp_path} has done 21 already, expected more"
    with pytest.raises(ValueError, match=refused):
        check_evaluations(SearchConfig.of({"evaluations": 5}), before, counts, tmp_path)

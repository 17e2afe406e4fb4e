"""A journal that is followed: what changed in it, read without the rest."""

from __future__ import annotations

from pathlib import Path

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from tests.support.cluster.search_fakes import candidates, scores


def test_a_candidate_that_changed_has_another_mark_and_can_be_read_without_the_others(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "run", SearchConfig.of({"data": "planted"}), {}) as run:
        run.journal.asked(candidates(3))
        before = run.journal.marks()
        run.journal.record([RungOutcome(1, scores(1), 1, 2.0, "a"), RungOutcome(2, scores(2), 1, 3.0, "b")])
        after = run.journal.marks()
        assert {number for number in after if after[number] != before[number]} == {1, 2}
        run.journal.confirm({2: scores(2)})
        assert {number for number, mark in run.journal.marks().items() if mark != after[number]} == {2}
        assert list(run.journal.rows([2, 0])) == [row for row in run.journal.rows() if row.id != 1]
        assert list(run.journal.rows([])) == []
        assert [worker[:3] for worker in run.journal.workers()] == [("a", 1, 2.0), ("b", 1, 3.0)]

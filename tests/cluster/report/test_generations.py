"""Generations of a search: who ended in them, and the best so far."""

from __future__ import annotations

from pathlib import Path

from haemsa.cluster.report.generations import generations
from haemsa.cluster.run_directory.run_directory import RunDirectory
from tests.support.cluster.made_run import made_run
from tests.support.cluster.search_fakes import OBJECTIVES


def test_each_generation_counts_its_own_and_has_the_best_of_all_before(tmp_path: Path) -> None:
    with RunDirectory.open(made_run(tmp_path / "run", 12, 4, failed=2, pending=1), read_only=True) as run:
        rows = list(run.journal.rows())
    found = list(generations(rows, OBJECTIVES, 0))
    assert [(one.generation, one.ended, one.failed, one.final) for one in found] == [
        (1, 4, 0, 4),
        (2, 4, 0, 4),
        (3, 4, 2, 2),
    ]
    for one in found:
        before = [row.scores["mae"].mean for row in rows[: 4 * one.generation] if row.scores]
        assert one.best["mae"] == min(before)
    assert [one.seconds for one in found] == [8.0, 8.0, 4.0]
    assert all(one.final == 0 and not one.best for one in generations(rows, OBJECTIVES, 1))

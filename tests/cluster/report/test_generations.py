"""Generations of a search: who ended in them, and the best so far."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from haemsa.cluster.report.generations import generations, unfinished_words
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.run_directory.run_directory import RunDirectory
from tests.cluster.report.test_history import row
from tests.support.cluster.made_run import made_run
from tests.support.cluster.search_fakes import OBJECTIVES

DONE = row(0, 1, (1.0, 0.5, 100.0))
ASKED = replace(DONE, status="asked", outcomes=())
CLIMBING = replace(DONE, rung=1)


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


@pytest.mark.parametrize(
    ("rows", "budget", "words"),
    [
        ([ASKED, DONE], 2, "1 pending"),
        ([ASKED, CLIMBING], 2, "1 pending, 1 candidate climbs to a higher rung"),
        ([CLIMBING, CLIMBING, DONE], 3, "2 candidates climb to a higher rung"),
        ([DONE, DONE], 2, "all are evaluated, and the front is trained again from scratch"),
        ([DONE, DONE], 3, "0 pending"),
        ([DONE, DONE], None, "0 pending"),
    ],
)
def test_what_is_left_is_told(rows: list[JournalRow], budget: int | None, words: str) -> None:
    assert unfinished_words(rows, budget) == words

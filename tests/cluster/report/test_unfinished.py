"""What a search that has not ended still does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from haemsa.cluster.report.unfinished import unfinished_words
from haemsa.cluster.run_directory.rows import JournalRow
from tests.cluster.report.test_history import row

DONE = row(0, 1, (1.0, 0.5, 100.0))
ASKED = replace(DONE, status="asked", outcomes=())
CLIMBING = replace(DONE, rung=1)


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

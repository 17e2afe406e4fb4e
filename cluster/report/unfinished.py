"""What a search that has not ended still does."""

from __future__ import annotations

from collections.abc import Sequence

from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.shared.text import counted


def unfinished_words(rows: Sequence[JournalRow], budget: int | None) -> str:
    """What candidates are trained or wait for it. If none is, and the budget is spent: that the front is.

    Args:
        rows: every candidate.
        budget: how many may be evaluated. None: any number.
    """
    asked, climbing = sum(row.status == "asked" for row in rows), sum(row.climbing for row in rows)
    climb = f"{counted(climbing, 'candidate')} {'climbs' if climbing == 1 else 'climb'} to a higher rung"
    if not asked and not climbing and budget is not None and len(rows) >= budget:
        return "all are evaluated, and the front is trained again from scratch"
    return ", ".join([f"{asked} pending"] * (asked > 0 or not climbing) + [climb] * (climbing > 0))

"""Whether a search bred at all. One that only drew genomes at random is no evolution, and its user should know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.shared.text import counted

FEW_CHILDREN: Final = 0.25
"""A search with a smaller share of children hardly bred."""


def breeding_line(rows: Sequence[JournalRow]) -> list[str]:
    """What to do if hardly any genome is a child of others. Empty if enough are."""
    ended = [row for row in rows if row.status != "asked"]
    children = sum(bool(row.parents) for row in ended)
    if children >= FEW_CHILDREN * len(ended):
        return []
    return [
        f"Only {children} of {counted(len(ended), 'genome')} {'is a child' if children == 1 else 'are children'} of "
        "others, so this was mostly random search: resume it with more --evaluations, or search with a smaller "
        "--population."
    ]

"""How a search went, generation by generation: whether it bred at all, and what it still does if it has not ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.shared.text import counted

FEW_CHILDREN: Final = 0.25
"""A search with a smaller share of children hardly bred."""


@dataclass(frozen=True)
class Generation:
    """How many candidates ended, failed and got final scores, the best of each objective so far, and the seconds."""

    generation: int
    ended: int
    failed: int
    final: int
    best: Mapping[str, float]
    seconds: float


def generations(rows: Sequence[JournalRow], objectives: Mapping[str, str], full: int) -> Iterator[Generation]:
    """The generations in their order. `full`: the first rung with final scores."""
    members: dict[int, list[JournalRow]] = {}
    for row in rows:
        if row.generation is not None:
            members.setdefault(row.generation, []).append(row)
    best: dict[str, float] = {}
    for generation, born in sorted(members.items()):
        final = [row for row in born if row.status == "done" and len(row.outcomes) > full]
        for name, direction in objectives.items():
            values = [row.scores[name].mean for row in final] + ([best[name]] if name in best else [])
            if values:
                best[name] = min(values) if direction == "min" else max(values)
        failed, seconds = sum(row.status == "failed" for row in born), sum(row.seconds or 0.0 for row in born)
        yield Generation(generation, len(born), failed, len(final), dict(best), seconds)


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


def breeding_line(rows: Sequence[JournalRow]) -> list[str]:
    """What to do if hardly any genome is a child of others. Empty if enough are.

    A search that only drew genomes at random is no evolution, and its user should know.
    """
    ended = [row for row in rows if row.status != "asked"]
    children = sum(bool(row.parents) for row in ended)
    if children >= FEW_CHILDREN * len(ended):
        return []
    return [
        f"Only {children} of {counted(len(ended), 'genome')} {'is a child' if children == 1 else 'are children'} of "
        "others, so this was mostly random search: resume it with more --evaluations, or search with a smaller "
        "--population."
    ]

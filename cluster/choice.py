"""The best of a front, and how a candidate is written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evo.candidate import Evaluated, Score
from model.spec import Genome


def choose_best(front: Sequence[Evaluated[Genome]], objective: str, minimise: bool) -> Evaluated[Genome]:
    """The best of the first objective; among those within its standard error, the one with fewest parameters."""
    sign = 1.0 if minimise else -1.0
    best = min(front, key=lambda item: sign * item.scores[objective].mean)
    limit = sign * best.scores[objective].mean + best.scores[objective].error
    near = [item for item in front if sign * item.scores[objective].mean <= limit]
    cost: dict[int, float] = {item.id: item.scores.get("params", Score(0.0)).mean for item in near}
    return min(near, key=lambda item: (cost[item.id], sign * item.scores[objective].mean))


def as_json(
    item: Evaluated[Genome], objectives: Sequence[str], searched: Mapping[int, Evaluated[Genome]] | None = None
) -> dict[str, Any]:
    """A candidate as summary.json holds it: `{id, genome, scores}`; every score, the objectives first.

    `searched`: by id, as the search scored them, where `scores` are confirmed ones: added as `search_scores`.
    """
    names = [*objectives, *(name for name in item.scores if name not in objectives)]
    scores: Mapping[str, float] = {name: item.scores[name].mean for name in names}
    errors = {name: item.scores[name].error for name in names if item.scores[name].error}
    before = searched.get(item.id) if searched else None
    return {
        "id": item.id,
        "genome": item.genome.to_dict(),
        "scores": scores,
        "errors": errors,
        "search_scores": {name: before.scores[name].mean for name in objectives} if before else {},
    }

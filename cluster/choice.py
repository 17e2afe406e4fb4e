"""The best of a front, and how a candidate is written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evo.candidate import Evaluated, Score
from model.spec import Genome


def choose_best(front: Sequence[Evaluated[Genome]], objective: str, minimise: bool) -> Evaluated[Genome]:
    """The best of the first objective; of those that fall behind it by one standard error at most, the smallest.

    The error is that of the difference, replicate by replicate: some folds are harder than others, for all alike.
    """
    sign = 1.0 if minimise else -1.0
    best = min(front, key=lambda item: sign * item.scores[objective].mean)
    near = [item for item in front if _is_near(item.scores[objective], best.scores[objective], sign)]
    cost: dict[int, float] = {item.id: item.scores.get("params", Score(0.0)).mean for item in near}
    return min(near, key=lambda item: (cost[item.id], sign * item.scores[objective].mean))


def _is_near(score: Score, best: Score, sign: float) -> bool:
    """Whether the score falls behind the best one by a standard error at most; the best's, if values are not known."""
    error = best.error
    if len(score.values) == len(best.values) > 1:
        error = Score.of(np.subtract(score.values, best.values).tolist()).error
    return sign * (score.mean - best.mean) <= error


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

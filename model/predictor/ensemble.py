"""Which networks to average: greedy forward selection with replacement (Caruana et al. 2004), on held-out samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Predictions = Mapping[str, NDArray[Any]]
"""Values or probabilities by task [N, C] (logits are not to be averaged)."""


@dataclass(frozen=True)
class Ensemble:
    """How often each candidate was chosen, and the score of the mean after each step of the selection.

    The steps up to the best score make the ensemble; `scores` go on beyond, to show that nothing was to be gained.
    """

    counts: tuple[int, ...]
    scores: tuple[float, ...]

    @property
    def shares(self) -> dict[int, float]:
        """The part of each chosen candidate in the mean; they sum to 1."""
        return {index: count / sum(self.counts) for index, count in enumerate(self.counts) if count}


def greedy_ensemble(
    predictions: Sequence[Predictions],
    score: Callable[[Predictions], float],
    *,
    minimise: bool,
    size: int = 25,
) -> Ensemble:
    """Begin with the best candidate, then add `size - 1` times whichever makes the mean best; keep the best prefix.

    A candidate may be added again, which raises its share. Among equals the first is taken, and the fewest steps are
    kept, so the ensemble is never worse than the best candidate, as far as these predictions tell. Scores that are no
    numbers count as the worst.

    Raises:
        ValueError: there is no candidate, `size` is below 1, or no candidate has a score.
    """
    if not predictions or size < 1:
        raise ValueError(f"an ensemble of {size} from {len(predictions)} candidates, expected at least 1 of each")
    total: dict[str, NDArray[np.float64]] = {task: np.zeros(values.shape) for task, values in predictions[0].items()}
    chosen, scores = list[int](), list[float]()
    for step in range(1, size + 1):
        means = ({task: (total[task] + values) / step for task, values in item.items()} for item in predictions)
        losses = [_loss(score(mean), minimise) for mean in means]
        best = int(np.argmin(losses))
        if math.isinf(losses[best]):
            break
        chosen.append(best)
        scores.append(losses[best] if minimise else -losses[best])
        for task, values in predictions[best].items():
            total[task] += values
    if not chosen:
        raise ValueError(f"none of {len(predictions)} candidates has a finite score")
    kept = 1 + int(np.argmin(scores) if minimise else np.argmax(scores))
    counts = np.bincount(chosen[:kept], minlength=len(predictions))
    return Ensemble(tuple(counts.tolist()), tuple(scores))


def _loss(value: float, minimise: bool) -> float:
    if not math.isfinite(value):
        return math.inf
    return float(value) if minimise else -float(value)

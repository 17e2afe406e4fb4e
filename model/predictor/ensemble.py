"""Which networks to average: greedy forward selection with replacement (Caruana et al. 2004), on held-out samples.

Axes: `N` samples, `C` outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Predictions = Mapping[str, NDArray[Any]]
"""Values or probabilities by task, [N, C]. Logits must not be averaged."""


@dataclass(frozen=True)
class Ensemble:
    """The result of a selection. The steps up to the best score make the ensemble.

    Attributes:
        counts: How often each candidate was chosen up to the best score.
        scores: The score of the mean after each step, also after the best one, to show that more steps gain nothing.
    """

    counts: tuple[int, ...]
    scores: tuple[float, ...]

    @property
    def shares(self) -> dict[int, float]:
        """The part of each chosen candidate in the mean. They sum to 1."""
        return {index: count / sum(self.counts) for index, count in enumerate(self.counts) if count}


def greedy_ensemble(
    predictions: Sequence[Predictions],
    score: Callable[[Predictions], float],
    *,
    minimise: bool,
    size: int = 25,
) -> Ensemble:
    """Select an ensemble: begin with the best candidate, then add the one that makes the mean best, again and again.

    A candidate can be added several times, which raises its share. Among equals the first is taken. The fewest steps
    with the best score are kept, so on these predictions the ensemble is never worse than the best candidate. A score
    that is not finite counts as the worst.

    Args:
        predictions: Those of each candidate, on the same held-out samples.
        score: Scores a mean of predictions.
        minimise: Whether a smaller score is better.
        size: The number of steps.

    Raises:
        ValueError: There is no candidate, `size` is below 1, or no candidate has a finite score.

    Example:
        >>> candidates = [{"mood": np.array([[value]])} for value in (1.0, 4.0, 6.0)]
        >>> greedy_ensemble(candidates, lambda mean: abs(mean["mood"].item() - 5), minimise=True, size=3).shares
        {1: 0.5, 2: 0.5}
    """
    if not predictions or size < 1:
        raise ValueError(f"an ensemble of {size} from {len(predictions)} candidates, expected at least 1 of each")
    total: dict[str, NDArray[np.float64]] = {task: np.zeros(values.shape) for task, values in predictions[0].items()}
    chosen, scores = list[int](), list[float]()
    for step in range(1, size + 1):
        means = ({task: (total[task] + one) / step for task, one in candidate.items()} for candidate in predictions)
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

"""What a constant and a linear model reach on the folds of a search: the best network must beat them."""

from __future__ import annotations

from typing import Final

import numpy as np

from haemsa.cluster.config import SearchConfig
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import choose_folds

_FOLDS: Final = 5
"""So many folds are enough to compare with."""
_MANY: Final = 3000
"""With more samples, one fold is enough."""


def plain_scores(data: Dataset, config: SearchConfig, metric: str) -> dict[str, float]:
    """The metric of "a linear model" and "a constant", in the mean over the folds that scored the search.

    Empty if they have no such metric.
    """
    from haemsa.model.baselines.plain import constant_outputs, linear_outputs
    from haemsa.model.data.normalisation import Normalisation
    from haemsa.model.metrics import all_metrics

    dataset = data.with_tasks(config.tasks)
    pool = Normalisation.fit(dataset).apply(dataset.pool())
    folds = choose_folds(config.validation, pool, config.seed).held_out
    scores: dict[str, list[float]] = {}
    for held_out in folds[: 1 if len(pool) > _MANY else _FOLDS]:
        trained, scored = np.flatnonzero(~held_out).astype(np.int64), np.flatnonzero(held_out).astype(np.int64)
        labels = {name: task.take(scored) for name, task in pool.tasks.items()}
        constant = {name: constant_outputs(task, trained, len(scored)) for name, task in pool.tasks.items()}
        for model, outputs in {
            "a linear model": linear_outputs(pool, trained, scored, config.seed),
            "a constant": constant,
        }.items():
            found = all_metrics(labels, outputs)
            if metric in found:
                scores.setdefault(model, []).append(found[metric])
    return {model: float(np.mean(values)) for model, values in scores.items()}

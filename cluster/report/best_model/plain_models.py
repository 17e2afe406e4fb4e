"""What a constant and a linear model reach on the folds of a search: the best network must beat them."""

from __future__ import annotations

from typing import Final

import numpy as np

from haemsa.cluster.config import SearchConfig
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import choose_folds

_FOLDS: Final = 3
"""So many folds are enough to compare with ..."""
_MANY: Final = 3000
"""... and of more samples, or for classes, one. Logistic regression takes long."""


def plain_scores(data: Dataset, config: SearchConfig, metric: str) -> dict[str, float]:
    """The metric of "a linear model" and "a constant", in the mean over some of the folds that scored the search.

    Empty if they have no such metric.
    """
    from haemsa.model.baselines.plain import constant_outputs, linear_outputs
    from haemsa.model.data.normalisation import Normalisation
    from haemsa.model.metrics import all_metrics

    dataset, (name, _, _) = data.with_tasks(config.tasks), metric.rpartition("/")
    if name and name not in dataset.tasks:
        return {}
    pool = Normalisation.fit(dataset).apply(dataset.pool())
    folds = choose_folds(config.validation, pool, config.seed).held_out
    pool = pool.with_tasks([name]) if name else pool
    few = len(pool) > _MANY or any(task.kind != "regression" for task in pool.tasks.values())
    scores: dict[str, list[float]] = {}
    for held_out in folds[: 1 if few else _FOLDS]:
        trained, scored = np.flatnonzero(~held_out).astype(np.int64), np.flatnonzero(held_out).astype(np.int64)
        labels = {name: task.take(scored) for name, task in pool.tasks.items()}
        constant = {name: constant_outputs(task, trained, len(scored)) for name, task in pool.tasks.items()}
        for model, outputs in {
            "a linear model": linear_outputs(pool, trained, scored, config.seed),
            "a constant": constant,
        }.items():
            found = all_metrics(labels, outputs)
            key = metric if metric in found else metric.rpartition("/")[2]  # a single task is not named
            if key in found:
                scores.setdefault(model, []).append(found[key])
    return {model: float(np.mean(values)) for model, values in scores.items()}

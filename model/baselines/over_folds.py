"""What a constant and a linear model reach on the folds that score networks: a network must beat both.

Axes: `F` folds, `N` samples of the pool, `C` outputs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from haemsa.model.baselines.classical import Floats
from haemsa.model.baselines.plain import constant_outputs, linear_outputs
from haemsa.model.data.dataset import Dataset
from haemsa.model.metrics import task_metrics

Samples = NDArray[np.int64]
Held = NDArray[np.bool_]


def constant_score(pool: Dataset, held_out: Held, metric: str, *, together: bool = False) -> float | None:
    """A metric of the best constant on what each fold holds out.

    Args:
        pool: training and validation samples.
        held_out: what each fold holds out, [F, N]. Folds that are equal count once.
        metric: "mae", or "task/mae" if there are several tasks.
        together: score the samples of all folds together. Otherwise the score is the mean over folds.

    Returns:
        None if no task has such a metric.
    """
    if (name := _task_of(pool, metric)) is None:
        return None

    def predict(trained: Samples, scored: Samples) -> Floats:
        return constant_outputs(pool.tasks[name], trained, len(scored))

    return _score(pool, name, held_out, metric, predict, together)


def linear_score(pool: Dataset, held_out: Held, metric: str, seed: int, *, together: bool = False) -> float | None:
    """The same of a linear model. The pool is normalised. `seed`: as `linear_outputs` takes it."""
    if (name := _task_of(pool, metric)) is None or constant_score(pool, held_out, metric) is None:
        return None  # before anything is fitted
    alone = pool.with_tasks([name])

    def predict(trained: Samples, scored: Samples) -> Floats:
        return linear_outputs(alone, trained, scored, seed)[name]

    return _score(pool, name, held_out, metric, predict, together)


def _task_of(pool: Dataset, metric: str) -> str | None:
    """The task of a metric. A single task is not named."""
    named, only = metric.rpartition("/")[0], next(iter(pool.tasks)) if len(pool.tasks) == 1 else None
    return only if only and not named else named if named in pool.tasks and not only else None


def _score(
    pool: Dataset, name: str, held_out: Held, metric: str, predict: Callable[[Samples, Samples], Floats], together: bool
) -> float | None:
    parts = []
    for fold in np.unique(held_out, axis=0):
        trained, scored = (np.flatnonzero(where).astype(np.int64) for where in (~fold, fold))
        parts.append((scored, predict(trained, scored)))
    if together:
        parts = [(np.concatenate([scored for scored, _ in parts]), np.concatenate([given for _, given in parts]))]
    tasks = [(pool.tasks[name].take(scored), outputs) for scored, outputs in parts]
    found = [task_metrics(task, task.targets, outputs) for task, outputs in tasks]
    key = metric.rpartition("/")[2]
    return float(np.mean([metrics[key] for metrics in found])) if key in found[0] else None

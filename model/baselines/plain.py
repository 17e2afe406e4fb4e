"""What a network must beat: a constant, and a linear model of pooled features.

Axes: `N` samples, `C` outputs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from haemsa.model.baselines.classical import RANGES, Classical, Floats, Kind, outputs, summaries
from haemsa.model.baselines.threads import on_one_thread
from haemsa.model.data.dataset import Dataset, Modality, Task
from haemsa.model.data.folds import grouped
from haemsa.model.metrics import direction, primary, task_metrics

Item = TypeVar("Item")
STRENGTHS: Final = 5
"""Strengths of the penalty, of which the strongest is tried first, until two in a row are worse than the best."""
FOLDS: Final = 3
MANY: Final = 2000
"""With more samples, one of the folds is enough to choose the strength."""
MOST: Final = 10_000
"""A linear model is fitted on at most so many samples, drawn at random."""


def constant_outputs(task: Task, trained: NDArray[np.int64], count: int) -> Floats:
    """The same prediction for `count` samples, [count, C]: the median, the most common class, or the common labels.

    Args:
        task: The task.
        trained: The samples that it is made of.
        count: How many samples are predicted.

    Example:
        >>> mood = Task("classes", np.array([0, 1, 1]), ("sad", "happy"))
        >>> constant_outputs(mood, np.arange(3), 2).argmax(axis=1)
        array([1, 1])
    """
    labels = task.targets[trained[task.labelled[trained]]]
    if task.kind == "regression":
        answer = np.array([np.median(labels)])
    elif task.kind == "classes":
        answer = np.bincount(labels, minlength=task.outputs) / len(labels)
    else:
        known = ~np.isnan(labels)
        answer = np.where(known, labels, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1) - 0.5
    return np.tile(answer.astype(np.float32), (count, 1))


def linear_outputs(
    dataset: Dataset, trained: NDArray[np.int64], predicted: NDArray[np.int64], seed: int
) -> dict[str, Floats]:
    """Ridge regression, or logistic regression for classes and labels, on the mean and the deviation over time.

    The strength of the penalty is chosen on folds of the samples that it is trained on.

    Args:
        dataset: Normalised data.
        trained: The samples that the models are trained on.
        predicted: The samples that they predict.
        seed: Draws the folds, and `MOST` samples where there are more.

    Returns:
        The outputs by task, as `task_metrics` takes them, [N, C].
    """
    if len(trained) > MOST:
        trained = np.sort(np.random.default_rng(seed).choice(trained, MOST, replace=False))
    every = np.union1d(trained, predicted)
    used, place = dataset if len(every) == len(dataset) else dataset.take(every), np.searchsorted(every, trained)
    features = summaries(used)
    means = {name: Modality(values[:, None], np.ones(len(used), np.int64)) for name, values in features.items()}
    folds = _folds(replace(used, modalities=means).take(place), seed)  # takes no copy of all time steps
    with warnings.catch_warnings(), on_one_thread("sklearn.linear_model"):
        warnings.simplefilter("ignore")  # some of the strengths that are tried do not converge
        answers = {name: _tuned(features, task, place, folds) for name, task in used.tasks.items()}
    return {name: of_all[np.searchsorted(every, predicted)] for name, of_all in answers.items()}


def _folds(samples: Dataset, seed: int) -> NDArray[np.bool_]:
    """What each fold holds out, [F, N]. There are no folds if there are too few groups or labels."""
    try:
        held_out = grouped(samples, min(FOLDS, len(np.unique(samples.groups))), seed).held_out
    except ValueError:
        return np.zeros((0, len(samples)), dtype=bool)
    return held_out[:1] if len(samples) > MANY else held_out


def _tuned(features: Mapping[str, Floats], task: Task, trained: NDArray[np.int64], folds: NDArray[np.bool_]) -> Floats:
    """Predictions of all samples by the model with the best strength, or the middle one where there are no folds."""
    kind: Kind = "ridge" if task.kind == "regression" else "logistic"
    ((name, ends),) = RANGES[kind].items()
    strengths = np.geomspace(*ends, STRENGTHS)
    models = [Classical(kind, tuple(features), {name: float(strength)}) for strength in strengths]
    if not len(folds):
        return outputs(models[STRENGTHS // 2], features, task, trained)
    metric = primary(task)
    sign = 1.0 if direction(metric) == "min" else -1.0

    def loss(model: Classical) -> float:
        scores = []
        for held_out in folds:
            part = task.take(trained[held_out])
            answers = outputs(model, features, task, trained[~held_out])[trained[held_out]]
            scores.append(task_metrics(part, part.targets, answers)[metric])
        return sign * float(np.mean(scores))

    best, least = models[-1], np.inf
    for model, reached in until_worse(models[::-1] if kind == "ridge" else models, loss):  # a weaker one takes longer
        if reached < least:
            best, least = model, reached
    return outputs(best, features, task, trained)


def until_worse(items: Iterable[Item], loss: Callable[[Item], float]) -> Iterator[tuple[Item, float]]:
    """Items with their losses, until two in a row are worse than the best before them.

    Example:
        >>> [item for item, _ in until_worse([3, 1, 2, 4, 0], float)]
        [3, 1, 2, 4]
    """
    least, worse = np.inf, 0
    for item in items:
        reached = loss(item)
        yield item, reached
        worse = worse + 1 if reached > least else 0
        if worse == 2:
            return
        least = min(least, reached)

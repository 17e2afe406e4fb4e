"""Linear models of some streams on samples that they were not trained on, averaged over time. They take some seconds.

Axes: `N` samples, `D` features, `C` outputs, `F` folds, `S` strengths of the penalty.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.baselines.classical import RANGES, Classical, Floats, outputs
from haemsa.model.baselines.plain import MANY, STRENGTHS, constant_outputs, until_worse
from haemsa.model.baselines.threads import on_one_thread
from haemsa.model.bounds import within
from haemsa.model.data.normalisation import is_constant
from haemsa.model.data.steps import LIMIT
from haemsa.model.data.task import Task
from haemsa.model.metrics import direction, primary, task_metrics

FOLDS: Final = 5
_LEAST: Final = 10  # labelled samples
_TOLERANCE: Final = 1e-3
"""Of logistic regression. With the default it takes twice as long, and scores about the same."""
Held = NDArray[np.bool_]


def group_folds(groups: NDArray[np.int64]) -> Held:
    """What each of up to five folds holds out, [F, N]. No group is in two of them. A single group gives no folds.

    Example:
        >>> group_folds(np.array([4, 4, 7])).tolist()
        [[True, True, False], [False, False, True]]
    """
    from sklearn.model_selection import GroupKFold

    count = min(FOLDS, len(np.unique(groups)))
    held_out = np.zeros((count if count > 1 else 0, len(groups)), dtype=bool)
    if count > 1:
        for fold, (_, held) in zip(held_out, GroupKFold(count).split(groups, groups=groups), strict=True):
            fold[held] = True
    return held_out


def standard_means(means: Floats, presence: NDArray[np.bool_]) -> Floats:
    """The means of a stream over time [N, D] as a linear model takes them: standardised, 0 where it is absent.

    Args:
        means: The mean of each sample over its time steps.
        presence: Which samples have the stream, [N].
    """
    if not presence.any():
        return np.zeros_like(means)
    known = means[presence].astype(np.float64)
    centre, deviation = known.mean(axis=0), known.std(axis=0)
    scale = np.where(is_constant(centre, deviation), np.inf, deviation)
    standard = np.clip((means - centre) / scale, -LIMIT, LIMIT)
    standard[~presence] = 0
    return np.asarray(standard, dtype=np.float32)


def can_be_scored(task: Task, held_out: Held) -> bool:
    """Whether there are enough labels: each fold has one to train on and one to score with."""
    labelled = task.labelled
    enough = labelled.sum() >= _LEAST and len(held_out) > 0
    return bool(enough and all(labelled[fold].any() and labelled[~fold].any() for fold in held_out))


def constant_held_out(task: Task, held_out: Held) -> Floats:
    """The best constant for each fold, made of the samples that the fold does not hold out, [N, C]."""
    answers = np.zeros((held_out.shape[1], task.outputs), dtype=np.float32)
    for fold in held_out:
        answers[fold] = constant_outputs(task, np.flatnonzero(~fold), int(fold.sum()))
    return answers


def linear_held_out(features: Mapping[str, Floats], streams: Sequence[str], task: Task, held_out: Held) -> Floats:
    """What ridge or logistic regression on some streams predicts for the samples that each fold holds out.

    The strength of the penalty for a fold is the one that is best on what the other folds hold out.

    Args:
        features: By stream, what `standard_means` gives.
        streams: The streams that are joined.
        task: The task. `can_be_scored` holds.
        held_out: What each fold holds out [F, N]: each sample once.

    Returns:
        The outputs as `task_metrics` takes them, [N, C].
    """
    x = np.concatenate([features[name] for name in streams], axis=1)
    with warnings.catch_warnings(), on_one_thread("sklearn.linear_model"):
        warnings.simplefilter("ignore")  # some strengths do not converge
        tried = (_ridge if task.kind == "regression" else _logistic)(x, task, held_out)
    return _best(within(tried, task.bounds), task, held_out)


def _ridge(x: Floats, task: Task, held_out: Held) -> Floats:
    """The outputs of each strength [S, N, 1]. One fit gives all strengths of a fold."""
    from sklearn.linear_model import Ridge

    strengths = np.geomspace(*RANGES["ridge"]["alpha"], STRENGTHS)
    answers = np.zeros((STRENGTHS, len(x), 1), dtype=np.float32)
    for fold in held_out:
        trained = np.flatnonzero(~fold & task.labelled)
        y = task.targets[trained].astype(np.float64)
        centre, scale = float(y.mean()), float(y.std()) or 1.0
        labels = np.repeat((y[:, None] - centre) / scale, STRENGTHS, axis=1)
        answers[:, fold, 0] = Ridge(alpha=strengths).fit(x[trained], labels).predict(x[fold]).T * scale + centre
    return answers


def _logistic(x: Floats, task: Task, held_out: Held) -> Floats:
    """The same of logistic regression. The strongest penalty is tried first, until two in a row are worse.

    With more than `MANY` samples, the first fold chooses the strength of all, so there is one [1, N, C].
    """

    def predicted(strength: float, folds: Held) -> Floats:
        model = Classical("logistic", ("streams",), {"C": strength, "tol": _TOLERANCE})
        answers = np.zeros((len(x), task.outputs), dtype=np.float32)
        for fold in folds:
            answers[fold] = outputs(model, {"streams": x}, task, np.flatnonzero(~fold))[fold]
        return answers

    judges = held_out[:1] if len(x) > MANY else held_out
    judged = np.flatnonzero(judges.any(axis=0))
    labels, tried = task.take(judged), dict[float, Floats]()

    def loss(strength: float) -> float:
        tried[strength] = predicted(strength, judges)
        return _loss(labels, tried[strength][judged])

    losses = dict(until_worse(np.geomspace(*RANGES["logistic"]["C"], STRENGTHS).tolist(), loss))
    if len(judges) == len(held_out):
        return np.stack(list(tried.values()))
    best = min(losses, key=losses.__getitem__)
    return (tried[best] + predicted(best, held_out[1:]))[None]


def _best(tried: Floats, task: Task, held_out: Held) -> Floats:
    """For each fold, the outputs of the strength that is best on the samples of the other folds."""
    chosen = np.zeros(tried.shape[1:], dtype=np.float32)
    for fold in held_out:
        others = np.flatnonzero(~fold)
        labels = task.take(others)
        chosen[fold] = min(tried, key=lambda answers: _loss(labels, answers[others]))[fold]
    return chosen


def _loss(task: Task, answers: Floats) -> float:
    metric = primary(task)
    value = task_metrics(task, task.targets, answers)[metric]
    return value if direction(metric) == "min" else -value

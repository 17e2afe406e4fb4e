"""Tuning a model of scikit-learn, or the network like MISA, by random trials on the folds of a search.

The predictions of each trial for held-out samples are kept when it ends. The best trial and the best ensemble are
chosen by them, and a tuning that was cut off goes on.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.comparison.bootstrap import Outputs
from haemsa.cluster.comparison.cache import Arrays, cached, digest
from haemsa.cluster.comparison.contenders import Mixture, TestMetric, Tuned
from haemsa.cluster.search.problem import Problem
from haemsa.cluster.shared.progress import Progress
from haemsa.model.baselines.classical import SEEDED, Classical, Kind, draw, outputs, summaries
from haemsa.model.data.dataset import Task
from haemsa.model.predictor.ensemble import greedy_ensemble
from haemsa.model.seeds import SeedPurpose

NOTES: Final = 8
"""How often the progress is shown."""


def tuned_classical(
    problem: Problem, judged: TestMetric, kind: Kind, trials: int, seed: int, folder: Path, progress: Progress
) -> Tuned:
    """Try random models of one kind. The best has the best mean score over the folds; an ensemble is chosen greedily.

    Args:
        problem: The data and the folds of the search.
        judged: The metric.
        kind: The kind of model.
        trials: How many models are tried.
        seed: Draws their settings.
        folder: Keeps what each trial predicts.
        progress: Gets a line now and then.
    """
    rng = np.random.default_rng((seed, SeedPurpose.CLASSICAL_MODELS))
    drawn = [draw(kind, list(problem.pool.modalities), rng) for _ in range(trials)]
    held_out = problem.folds.held_out if kind in SEEDED else np.unique(problem.folds.held_out, axis=0)
    scores, predictions = _scores_and_predictions(drawn, problem, held_out, judged, folder, progress)
    best = int(np.nanargmin(scores) if judged.minimise else np.nanargmax(scores))
    task = problem.pool.tasks[judged.task].take(np.flatnonzero(held_out.any(axis=0)))
    mixture = best_mixture(drawn, predictions, task, judged)
    return Tuned(float(scores[best]), trials, ((drawn[best], 1),), mixture)


def best_mixture(models: Sequence[Classical], predictions: Outputs, task: Task, judged: TestMetric) -> Mixture:
    """The greedy ensemble by predictions for held-out samples [models, N, C]. Our own is chosen in the same way."""
    candidates = [{judged.task: outputs} for outputs in predictions]
    picked = greedy_ensemble(candidates, lambda mean: judged.metric(task, mean[judged.task]), minimise=judged.minimise)
    return tuple((model, count) for model, count in zip(models, picked.counts, strict=True) if count)


def _scores_and_predictions(
    models: Sequence[Classical],
    problem: Problem,
    held_out: NDArray[np.bool_],
    judged: TestMetric,
    folder: Path,
    progress: Progress,
) -> tuple[NDArray[np.float64], Outputs]:
    """Scores [models], and predictions [models, N, C] for the samples that a fold holds out."""
    from joblib import Parallel, delayed

    features, task = summaries(problem.pool), problem.pool.tasks[judged.task]
    depends = {
        "data": problem.fingerprint,
        "folds": digest(held_out.tobytes()),
        "judged": vars(judged),
        "bounds": task.bounds,
    }
    folder = folder.resolve()  # joblib's workers stay in the folder in which they were started
    jobs = (delayed(_cached_trial)(folder, depends, model, features, task, held_out, judged) for model in models)
    ended: list[Arrays] = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*executed *but not used")  # those that ran are cached
        warnings.filterwarnings("ignore", "A worker stopped")  # joblib replaces workers whose memory grows
        with closing(Parallel(n_jobs=-1, return_as="generator")(jobs)) as trials:
            for trial in trials:
                ended.append(trial)
                if len(ended) % max(1, len(models) // NOTES) == 0:
                    progress.note(f"{len(ended)} of {len(models)} trials")
    return np.array([trial["score"] for trial in ended]), np.stack([trial["answers"] for trial in ended])


def _cached_trial(
    folder: Path,
    depends: Mapping[str, Any],
    model: Classical,
    features: Mapping[str, Outputs],
    task: Task,
    folds: NDArray[np.bool_],
    judged: TestMetric,
) -> Arrays:
    trial = {**depends, "model": vars(model)}
    return cached(folder, f"trial-{model.kind}", trial, lambda: _trial(model, features, task, folds, judged))


def _trial(
    model: Classical, features: Mapping[str, Outputs], task: Task, folds: NDArray[np.bool_], judged: TestMetric
) -> Arrays:
    """Train a model on each of the folds [F, N], and predict what the fold holds out.

    `score`: the mean of the metric over the folds. `answers`: predictions [N, C], means over the folds of a sample.
    """
    scores, total = [], np.zeros((folds.shape[1], task.outputs), np.float32)
    for seed, held_out in enumerate(folds):
        predicted, places = outputs(model, features, task, np.flatnonzero(~held_out), seed), np.flatnonzero(held_out)
        scores.append(judged.metric(task.take(places), predicted[places]))
        total[places] += predicted[places]
    counts = folds.sum(axis=0)
    answers = total[counts > 0] / counts[counts > 0, None].astype(np.float32)
    return {"score": np.mean(scores), "answers": answers}

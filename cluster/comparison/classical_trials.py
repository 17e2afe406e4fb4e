"""Tuning a model of scikit-learn, or the network like MISA, by random trials on the folds of a search.

What each trial answers for held-out samples is kept as it ends: the best of them, and the best ensemble, are chosen by
it, and tuning that was cut off goes on.
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
from haemsa.cluster.comparison.cache import Arrays, digest, kept
from haemsa.cluster.comparison.contenders import Mixture, TestMetric, Tuned
from haemsa.cluster.search.problem import Problem
from haemsa.cluster.shared.progress import Progress
from haemsa.model.baselines.classical import SEEDED, Classical, Kind, draw, outputs, summaries
from haemsa.model.data.dataset import Task
from haemsa.model.predictor.ensemble import greedy_ensemble
from haemsa.model.seeds import SeedPurpose

NOTES: Final = 8
"""Times that progress is told."""


def tuned_classical(
    problem: Problem, judged: TestMetric, kind: Kind, trials: int, seed: int, folder: Path, progress: Progress
) -> Tuned:
    """The best of some random models of one kind, by its mean score over the folds, and their greedy ensemble."""
    rng = np.random.default_rng((seed, SeedPurpose.CLASSICAL_MODELS))
    drawn = [draw(kind, list(problem.pool.modalities), rng) for _ in range(trials)]
    held_out = problem.folds.held_out if kind in SEEDED else np.unique(problem.folds.held_out, axis=0)
    scores, answers = _tried(drawn, problem, held_out, judged, folder, progress)
    best = int(np.nanargmin(scores) if judged.minimise else np.nanargmax(scores))
    task = problem.pool.tasks[judged.task].take(np.flatnonzero(held_out.any(axis=0)))
    mixture = best_mixture(drawn, answers, task, judged)
    return Tuned(float(scores[best]), trials, ((drawn[best], 1),), mixture)


def best_mixture(models: Sequence[Classical], answers: Outputs, task: Task, judged: TestMetric) -> Mixture:
    """The greedy ensemble of models by their answers for held-out samples [models, N, C], as ours are chosen."""
    candidates = [{judged.task: each} for each in answers]
    picked = greedy_ensemble(candidates, lambda mean: judged.metric(task, mean[judged.task]), minimise=judged.minimise)
    return tuple((model, count) for model, count in zip(models, picked.counts, strict=True) if count)


def _tried(
    models: Sequence[Classical],
    problem: Problem,
    held_out: NDArray[np.bool_],
    judged: TestMetric,
    folder: Path,
    progress: Progress,
) -> tuple[NDArray[np.float64], Outputs]:
    """Scores [models], and answers [models, N, C] for the samples that a fold holds out; several at a time."""
    from joblib import Parallel, delayed

    features, task = summaries(problem.pool), problem.pool.tasks[judged.task]
    depends = {"data": problem.fingerprint, "folds": digest(held_out.tobytes()), "judged": vars(judged)}
    jobs = (delayed(_kept_trial)(folder, depends, model, features, task, held_out, judged) for model in models)
    found: list[Arrays] = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*executed *but not used")  # they are kept
        warnings.filterwarnings("ignore", "A worker stopped")  # joblib begins them anew, as they grow
        with closing(Parallel(n_jobs=-1, return_as="generator")(jobs)) as trials:
            for trial in trials:
                found.append(trial)
                if len(found) % max(1, len(models) // NOTES) == 0:
                    progress.note(f"{len(found)} of {len(models)} trials")
    return np.array([trial["score"] for trial in found]), np.stack([trial["answers"] for trial in found])


def _kept_trial(
    folder: Path,
    depends: Mapping[str, Any],
    model: Classical,
    features: Mapping[str, Outputs],
    task: Task,
    folds: NDArray[np.bool_],
    judged: TestMetric,
) -> Arrays:
    wanted = {**depends, "model": vars(model)}
    return kept(folder, f"trial-{model.kind}", wanted, lambda: _trial(model, features, task, folds, judged))


def _trial(
    model: Classical, features: Mapping[str, Outputs], task: Task, folds: NDArray[np.bool_], judged: TestMetric
) -> Arrays:
    """`score`: the metric on what each of the folds [F, N] holds out, their mean. `answers`: a sample's mean [N, C]."""
    scores, total = [], np.zeros((folds.shape[1], task.outputs), np.float32)
    for seed, held_out in enumerate(folds):
        given, places = outputs(model, features, task, np.flatnonzero(~held_out), seed), np.flatnonzero(held_out)
        scores.append(judged.metric(task.take(places), given[places]))
        total[places] += given[places]
    counts = folds.sum(axis=0)
    answers = total[counts > 0] / counts[counts > 0, None].astype(np.float32)
    return {"score": np.mean(scores), "answers": answers}

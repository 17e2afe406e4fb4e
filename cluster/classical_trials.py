"""Tuning a model of scikit-learn, or the network like MISA, by random trials on the folds of a search.

What the trials answer for held-out samples is kept: the best of them, and the best ensemble, are chosen by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cluster.bootstrap import Outputs
from cluster.contenders import Judged, Mixture, Tuned
from cluster.kept import Arrays, digest, kept
from cluster.problem import Problem
from model.classical import RANGES, SEEDED, Classical, Kind, draw, outputs, summaries
from model.data.dataset import Task
from model.ensemble import greedy_ensemble


def tuned_classical(problem: Problem, judged: Judged, kind: Kind, trials: int, seed: int, folder: Path) -> Tuned:
    """The best of some random models of one kind, by its mean score over the folds, and their greedy ensemble."""
    rng = np.random.default_rng((seed, 7))
    drawn = [draw(kind, list(problem.pool.modalities), rng) for _ in range(trials)]
    held_out = problem.folds.held_out if kind in SEEDED else np.unique(problem.folds.held_out, axis=0)
    depends = {
        "data": problem.fingerprint,
        "folds": digest(held_out.tobytes()),
        "judged": vars(judged),
        "ranges": RANGES[kind],
        "seed": seed,
        "trials": trials,
    }
    found = kept(folder, f"trials-{kind}", depends, lambda: _tried(drawn, problem, held_out, judged))
    scores = found["scores"]
    best = int(np.nanargmin(scores) if judged.minimise else np.nanargmax(scores))
    task = problem.pool.tasks[judged.task].take(np.flatnonzero(held_out.any(axis=0)))
    mixture = best_mixture(drawn, found["outputs"], task, judged)
    return Tuned(float(scores[best]), trials, ((drawn[best], 1),), mixture)


def best_mixture(models: Sequence[Classical], answers: Outputs, task: Task, judged: Judged) -> Mixture:
    """The greedy ensemble of models by their answers for held-out samples [models, N, C], as ours are chosen."""
    candidates = [{judged.task: each} for each in answers]
    picked = greedy_ensemble(candidates, lambda mean: judged.metric(task, mean[judged.task]), minimise=judged.minimise)
    return tuple((model, count) for model, count in zip(models, picked.counts, strict=True) if count)


def _tried(models: Sequence[Classical], problem: Problem, held_out: NDArray[np.bool_], judged: Judged) -> Arrays:
    """`scores` [models], and `outputs` [models, N, C] for the samples that a fold holds out; several at a time."""
    from joblib import Parallel, delayed

    features, task = summaries(problem.pool), problem.pool.tasks[judged.task]
    jobs = (delayed(_trial)(model, features, task, held_out, judged) for model in models)
    scores, answers = zip(*Parallel(n_jobs=-1)(jobs), strict=True)
    return {"scores": np.array(scores), "outputs": np.stack(answers)}


def _trial(
    model: Classical, features: Mapping[str, Outputs], task: Task, folds: NDArray[np.bool_], judged: Judged
) -> tuple[float, Outputs]:
    """The metric on what each of the folds [F, N] holds out, the mean over folds; and the answers, a sample's mean."""
    scores, total = [], np.zeros((folds.shape[1], task.outputs), np.float32)
    for seed, held_out in enumerate(folds):
        given, places = outputs(model, features, task, np.flatnonzero(~held_out), seed), np.flatnonzero(held_out)
        scores.append(judged.metric(task.take(places), given[places]))
        total[places] += given[places]
    counts = folds.sum(axis=0)
    return float(np.mean(scores)), total[counts > 0] / counts[counts > 0, None].astype(np.float32)

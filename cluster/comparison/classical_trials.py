"""Tuning a model of scikit-learn, or the network like MISA, by random trials on the folds of a search.

Each trial is a task for a worker. Its predictions for held-out samples are kept when it ends. The best trial and the
best ensemble are chosen by them, and a tuning that was cut off goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.comparison.contenders import Mixture, TestMetric, Tuned
from haemsa.cluster.search.problem import Problem
from haemsa.cluster.shared.bootstrap import Outputs
from haemsa.cluster.shared.kept import Arrays, Kept, digest
from haemsa.cluster.shared.progress import Progress
from haemsa.cluster.shared.steps import Tally
from haemsa.cluster.workers.tasks.tasks import Tasks
from haemsa.model.baselines.classical import SEEDED, Classical, Kind, draw, outputs_of_each, summaries
from haemsa.model.data.task import Task
from haemsa.model.predictor.ensemble import greedy_ensemble
from haemsa.model.seeds import SeedPurpose


@dataclass(frozen=True)
class TrialData:
    """What a worker gets: the mean features of the samples by modality, their labels, the folds and the metric."""

    features: Mapping[str, Outputs]
    task: Task
    held_out: NDArray[np.bool_]
    judged: TestMetric

    @classmethod
    def of(cls, problem: Problem, judged: TestMetric) -> TrialData:
        """The data and the folds of a search."""
        return cls(summaries(problem.pool), problem.pool.tasks[judged.task], problem.folds.held_out, judged)

    def folds(self, kind: Kind) -> NDArray[np.bool_]:
        """The folds of a kind of model [F, N]. If seeds change nothing, equal folds are one."""
        return self.held_out if kind in SEEDED else np.unique(self.held_out, axis=0)


def tuned_classical(
    problem: Problem, data: TrialData, kind: Kind, trials: int, seed: int, kept: Kept, progress: Progress, tasks: Tasks
) -> Tuned:
    """Try random models of one kind. The best has the best mean score over the folds; an ensemble is chosen greedily.

    Args:
        problem: The data and the folds of the search.
        data: The same, as the workers have it.
        kind: The kind of model.
        trials: How many models are tried.
        seed: Draws their settings.
        kept: Keeps what each trial predicts.
        progress: Shows how many trials have ended.
        tasks: Runs trials; made by `TrialWork` of `data`.
    """
    rng = np.random.default_rng((seed, SeedPurpose.CLASSICAL_MODELS))
    drawn = [draw(kind, list(problem.pool.modalities), rng) for _ in range(trials)]
    held_out, judged = data.folds(kind), data.judged
    depends = {
        "data": problem.fingerprint,
        "folds": digest(held_out.tobytes()),
        "judged": vars(judged),
        "bounds": data.task.bounds,
    }
    ended = _ended(drawn, depends, kept, progress, tasks)
    scores, predictions = np.array([trial["score"] for trial in ended]), np.stack([trial["answers"] for trial in ended])
    best = int(np.nanargmin(scores) if judged.minimise else np.nanargmax(scores))
    mixture = best_mixture(drawn, predictions, data.task.take(np.flatnonzero(held_out.any(axis=0))), judged)
    return Tuned(float(scores[best]), trials, ((drawn[best], 1),), mixture)


def best_mixture(models: Sequence[Classical], predictions: Outputs, task: Task, judged: TestMetric) -> Mixture:
    """The greedy ensemble by predictions for held-out samples [models, N, C]. Our own is chosen in the same way."""
    candidates = [{judged.task: outputs} for outputs in predictions]
    picked = greedy_ensemble(candidates, lambda mean: judged.metric(task, mean[judged.task]), minimise=judged.minimise)
    return tuple((model, count) for model, count in zip(models, picked.counts, strict=True) if count)


def _ended(
    models: Sequence[Classical], depends: Mapping[str, Any], kept: Kept, progress: Progress, tasks: Tasks
) -> list[Arrays]:
    """The score of each trial, and its predictions [N, C] for the samples that a fold holds out."""

    def place(model: Classical) -> tuple[str, dict[str, Any]]:
        return f"trial-{model.kind}", {**depends, "model": vars(model)}

    found = [kept.read(*place(model)) for model in models]
    missing = [number for number, trial in enumerate(found) if trial is None]
    tally = Tally(progress, "trials", len(models), len(models) - len(missing))
    tally.show()
    for number, trial in tasks.run([models[number] for number in missing], waiting=tally.show):
        found[missing[number]] = trial
        kept.write(*place(models[missing[number]]), trial)
        tally.add()
    return [trial for trial in found if trial is not None]


class TrialWork:
    """Tries models in a worker."""

    def __init__(self, data: TrialData) -> None:
        from haemsa.model.training.process import prepare_process

        prepare_process()
        self._data = data

    def __call__(self, model: Classical) -> Arrays:
        """Train a model on each of the folds, and predict what the fold holds out.

        `score`: the mean of the metric over the folds. `answers`: predictions [N, C], means over the folds of a sample.
        """
        data, folds = self._data, self._data.folds(model.kind)
        scores, total = [], np.zeros((folds.shape[1], data.task.outputs), np.float32)
        trainings = [(np.flatnonzero(~held_out), seed) for seed, held_out in enumerate(folds)]
        each = outputs_of_each(model, data.features, data.task, trainings)
        for held_out, predicted in zip(folds, each, strict=True):
            places = np.flatnonzero(held_out)
            scores.append(data.judged.metric(data.task.take(places), predicted[places]))
            total[places] += predicted[places]
        counts = folds.sum(axis=0)
        answers = total[counts > 0] / counts[counts > 0, None].astype(np.float32)
        return {"score": np.asarray(np.mean(scores)), "answers": answers}

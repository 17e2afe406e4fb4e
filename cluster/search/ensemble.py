"""The ensemble of a search: chosen greedily from the confirmed genomes, on predictions of what they did not see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from haemsa.cluster.search.problem import Problem
from haemsa.cluster.workers.job import Arrays, Result
from haemsa.model.cost import cost
from haemsa.model.predictor.scores import member_metrics
from haemsa.model.spec.genome import Genome

SIZE = 25
"""Steps of greedy selection, with replacement."""


@dataclass(frozen=True)
class ChosenEnsemble:
    """How often each genome was chosen, by id; held-out metrics of their mean, and of the best genome alone."""

    counts: Mapping[int, int]
    scores: Mapping[str, float]
    alone: Mapping[str, float]

    def costs(self, genomes: Mapping[int, Genome], problem: Problem, replicates: int) -> dict[str, float]:
        """`networks`, and their `params` and `flops` of one prediction, all together."""
        each = [cost(genomes[number].network, problem.schema) for number in self.counts]
        totals = {name: replicates * sum(found[name] for found in each) for name in each[0]}
        return {"networks": float(replicates * len(each)), **totals}


def choose_ensemble(results: Sequence[Result], problem: Problem) -> ChosenEnsemble:
    """The ensemble that is best in the main metric, on held-out predictions of confirmed nets."""
    from haemsa.model.predictor.ensemble import greedy_ensemble

    scored = np.flatnonzero(problem.folds.held_out.any(axis=0))
    part = problem.pool.take(scored)
    objective, direction = problem.main_metric
    predictions = [held_out_predictions(result.outputs, problem, scored) for result in results]

    def score(outputs: Arrays) -> float:
        return member_metrics(part, outputs)[objective]

    picked = greedy_ensemble(predictions, score, minimise=direction == "min", size=SIZE)
    counts = {results[index].id: count for index, count in enumerate(picked.counts) if count}
    total = sum(picked.counts)
    mean = {
        name: sum(count / total * found[name] for count, found in zip(picked.counts, predictions, strict=True))
        for name in problem.pool.tasks
    }
    best = max(range(len(results)), key=lambda index: (-1 if direction == "min" else 1) * score(predictions[index]))
    return ChosenEnsemble(counts, member_metrics(part, mean), member_metrics(part, predictions[best]))


def held_out_predictions(outputs: Sequence[Arrays], problem: Problem, scored: np.ndarray) -> dict[str, np.ndarray]:
    """Values or probabilities [S, C] by task for the `scored` samples, each by the replicates that held it out."""
    import torch

    from haemsa.model.predictor.predictor import probabilities

    holds = np.stack([problem.folds.held_out[k % len(problem.folds)] for k in range(len(outputs))])[..., None]
    found = {}
    for name, task in problem.schema.tasks.items():
        values = np.stack([probabilities(task, torch.from_numpy(np.array(part[name]))).numpy() for part in outputs])
        mean = (values * holds).sum(0) / np.maximum(holds.sum(0), 1)
        found[name] = mean[scored].astype(np.float32)
    return found

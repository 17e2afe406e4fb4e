"""The ensemble of a search: chosen greedily from the confirmed genomes, on samples that they were not trained on.

And trained networks as one model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from haemsa.cluster.search.problem import Problem
from haemsa.cluster.workers.job import Result
from haemsa.cluster.workers.row_state import Arrays, RowState
from haemsa.model.cost import cost
from haemsa.model.predictor.scores import member_metrics
from haemsa.model.spec.genome import Genome

if TYPE_CHECKING:
    from haemsa.model.predictor.predictor import Predictor

SIZE: Final = 25
"""Steps of greedy selection, with replacement."""


@dataclass(frozen=True)
class ChosenEnsemble:
    """How often each genome was chosen, by id. Held-out metrics: `scores` of their mean, `alone` of the best genome."""

    counts: Mapping[int, int]
    scores: Mapping[str, float]
    alone: Mapping[str, float]

    def costs(self, genomes: Mapping[int, Genome], problem: Problem, replicates: int) -> dict[str, float]:
        """How many `networks` there are, and their `params` and `flops` (of one prediction) all together."""
        costs = [cost(genomes[number].network, problem.schema) for number in self.counts]
        totals = {name: replicates * sum(genome_costs[name] for genome_costs in costs) for name in costs[0]}
        return {"networks": float(replicates * len(costs)), **totals}


def choose_ensemble(results: Sequence[Result], problem: Problem) -> ChosenEnsemble:
    """Choose the ensemble that is best in the main metric, by the held-out predictions of confirmed networks."""
    from haemsa.model.predictor.ensemble import greedy_ensemble

    scored = np.flatnonzero(problem.folds.held_out.any(axis=0))
    samples = problem.pool.take(scored)
    objective, direction = problem.main_metric
    predictions = [held_out_predictions(result.outputs, problem, scored) for result in results]

    def score(outputs: Arrays) -> float:
        return member_metrics(samples, outputs)[objective]

    picked = greedy_ensemble(predictions, score, minimise=direction == "min", size=SIZE)
    counts = {results[index].id: count for index, count in enumerate(picked.counts) if count}
    total = sum(picked.counts)
    mean = {
        name: sum(count / total * outputs[name] for count, outputs in zip(picked.counts, predictions, strict=True))
        for name in problem.pool.tasks
    }
    best = max(range(len(results)), key=lambda index: (-1 if direction == "min" else 1) * score(predictions[index]))
    return ChosenEnsemble(counts, member_metrics(samples, mean), member_metrics(samples, predictions[best]))


def held_out_predictions(outputs: Sequence[Arrays], problem: Problem, scored: np.ndarray) -> dict[str, np.ndarray]:
    """Values or probabilities [S, C] of the `scored` samples by task: means over the replicates that held each out."""
    import torch

    from haemsa.model.predictor.joined import probabilities

    held_out = np.stack([problem.folds.held_out[k % len(problem.folds)] for k in range(len(outputs))])[..., None]
    predictions = {}
    for name, task in problem.schema.tasks.items():
        values = np.stack([probabilities(task, torch.from_numpy(np.array(each[name]))).numpy() for each in outputs])
        mean = (values * held_out).sum(0) / np.maximum(held_out.sum(0), 1)
        predictions[name] = mean[scored].astype(np.float32)
    return predictions


def model_of(
    members: Sequence[tuple[Genome, Mapping[int, RowState], int]], problem: Problem, info: Mapping[str, Any]
) -> Predictor:
    """Trained replicates of genomes as one model. A genome counts as often as it was chosen."""
    import torch

    from haemsa.model.network.cohort import CohortRow
    from haemsa.model.predictor.predictor import Predictor
    from haemsa.model.training.fold_statistics import FoldStatistics
    from haemsa.model.training.pool import Pool
    from haemsa.model.training.train import TrainedRow

    statistics = FoldStatistics.fit(Pool.of(problem.pool), problem.folds)
    total, replicates = sum(count for *_, count in members), sorted(members[0][1])
    rows, shares = list[TrainedRow](), list[float]()
    for replicate in replicates:
        for genome, states, count in members:
            arrays = states[replicate].read("weights").items()
            weights = {name: torch.from_numpy(np.array(array)) for name, array in arrays}
            rows.append(TrainedRow(CohortRow(genome, 0, replicate % len(problem.folds)), weights, {}))
            shares.append(count / total / len(replicates))
    model = Predictor.of(rows, statistics, problem.schema, problem.normalisation, info)
    return replace(model, shares=tuple(shares))

"""What a trained replicate scores on the samples that its fold holds out, and the scores over all replicates."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np

from haemsa.cluster.workers.job import Job
from haemsa.cluster.workers.own_objectives.objective import OwnObjective, labels_of, predictions_of
from haemsa.cluster.workers.row_state import Arrays
from haemsa.evo.candidate import Score
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import Folds

if TYPE_CHECKING:
    from haemsa.model.training.train import TrainedRow


def held_out_metrics(
    pool: Dataset, folds: Folds, row: TrainedRow, own: Collection[OwnObjective] = ()
) -> dict[str, float]:
    """Every metric, and every objective of one's `own`, on the samples that the fold of `row` holds out.

    If the row was also scored with modalities missing, each metric has a second value: its mean over these subsets.

    Raises:
        OwnObjectiveError: An objective of one's own has no value.
    """
    from haemsa.model.metrics import all_metrics, with_missing

    indices = np.flatnonzero(folds.held_out[row.row.fold])
    tasks = {name: task.take(indices) for name, task in pool.tasks.items()}

    def metrics(outputs: Arrays) -> dict[str, float]:
        return all_metrics(tasks, {name: values[indices] for name, values in outputs.items()})

    complete, subsets = metrics(row.outputs), [metrics(outputs) for outputs in row.shown.values()]
    if subsets:
        complete |= {with_missing(name): float(np.mean([subset[name] for subset in subsets])) for name in complete}
    if own:
        predictions = {name: predictions_of(task, row.outputs[name][indices]) for name, task in tasks.items()}
        labels = {name: labels_of(task) for name, task in tasks.items()}
        complete |= {item.name: item.value(predictions, labels, row.row.genome) for item in own}
    return complete


def scores(job: Job, trained: Mapping[int, Mapping[str, float]]) -> dict[str, Score]:
    """Scores over all replicates: of those just trained, and of those of the rung below that needed no more."""
    names = list(next(iter(trained.values()), job.known))
    undefined = (math.nan,) * job.fidelity.replicates  # `known` lacks the metrics that a fold leaves undefined
    before = {name: job.known.get(name, undefined) for name in names}
    return {
        name: Score.of([trained[k][name] if k in trained else before[name][k] for k in job.replicates])
        for name in names
    }

"""A saved model's metrics, for each of its networks and for their mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from haemsa.model.data.dataset import Dataset, Task
from haemsa.model.metrics import all_metrics

if TYPE_CHECKING:
    from haemsa.model.predictor.predictor import Predictor

Table = dict[str, dict[str, dict[str, Any]]]
"""`{model: {metric: {"mean", "std", "values"}}}`."""


def score(predictor: Any, dataset: Dataset, outputs: Mapping[str, Any] | None = None) -> Table:
    """Metrics on all samples of `dataset` of a model's networks, one by one, and of their mean prediction.

    They are called `best` and `best+ensemble`; of an ensemble of genomes, `ensemble` (the genomes' mean for
    each seed) and `ensemble+ensemble` (the mean of all). Modalities that the model does not know are not shown to it.
    `outputs`: the networks' predictions, if they are at hand.
    """
    outputs = outputs or predictor.predict_members(predictor.inputs(dataset))
    weights, means = _weights(predictor), seed_means(predictor, outputs)
    each = [member_metrics(dataset, {name: values[k] for name, values in means.items()}) for k in range(len(weights))]
    name = "ensemble" if predictor.info.get("ensemble") else "best"
    table = {name: summarise(each)}
    if len(each) > 1:
        total = weights.sum(1) / weights.sum()
        mean = {task: np.tensordot(total, values, 1).astype(np.float32) for task, values in means.items()}
        table[f"{name}+ensemble"] = summarise([member_metrics(dataset, mean)])
    return table


def seed_means(predictor: Predictor, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Predictions [S * G, N, C] of S seeds of G genomes as the genomes' weighted mean for each seed [S, N, C]."""
    weights = _weights(predictor)
    shares = weights / weights.sum(1, keepdims=True)
    grouped = {name: values.reshape(*weights.shape, *values.shape[1:]) for name, values in outputs.items()}
    return {name: np.einsum("sg,sg...->s...", shares, values) for name, values in grouped.items()}


def _weights(predictor: Predictor) -> Any:
    """What each genome counts in each seed [S, G]."""
    genomes = int(predictor.info.get("genomes", 1))
    return np.array(predictor.shares or (1.0,) * len(predictor.members)).reshape(-1, genomes)


def member_metrics(dataset: Dataset, outputs: Mapping[str, Any]) -> dict[str, float]:
    """All metrics of one network's predictions (values, or probabilities) of the tasks that it predicts."""
    tasks = {name: dataset.tasks[name] for name in outputs}
    return all_metrics(tasks, {name: as_scores(tasks[name], values) for name, values in outputs.items()})


def as_scores(task: Task, predicted: Any) -> Any:
    """Predictions as metrics take them: a label is given where its score is above 0, and not its probability."""
    return predicted - 0.5 if task.kind == "multilabel" else predicted


def summarise(metrics: Sequence[Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """Mean, standard deviation (0 for one) and values of each metric over networks."""
    table: dict[str, dict[str, Any]] = {}
    for name in metrics[0]:
        values = np.array([found[name] for found in metrics])
        spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        table[name] = {"mean": float(values.mean()), "std": spread, "values": values.tolist()}
    return table

"""A model's metrics, for each of its networks and for their mean.

Axes: `K` members, `N` samples, `C` outputs, `S` seeds, `G` genomes (K = S * G).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from haemsa.model.data.dataset import Dataset, Task
from haemsa.model.metrics import all_metrics

if TYPE_CHECKING:
    from haemsa.model.predictor.predictor import Predictor

ScoreTable = dict[str, dict[str, dict[str, Any]]]
"""Metrics of models: `{model: {metric: {"mean", "std", "values"}}}`."""
MODEL: Final = "model"
"""Names the metrics of what a model predicts: the mean of its networks."""
EACH_SEED: Final = "each seed"
"""Names the metrics of its seeds one by one."""


def score(predictor: Any, dataset: Dataset, outputs: Mapping[str, Any] | None = None) -> ScoreTable:
    """Score a model on all samples of a data set.

    Args:
        predictor: The model. It does not see modalities that it does not know.
        dataset: The samples, with labels.
        outputs: The predictions of its members by task, [K, N, C], if they are known already.

    Returns:
        The metrics of what the model predicts, called `model`. If it has several seeds, also the metrics of the seeds
        one by one, called `each seed`. A seed of an ensemble is the mean over its genomes.
    """
    outputs = outputs or predictor.predict_members(predictor.inputs(dataset))
    weights, means = _weights(predictor), seed_means(predictor, outputs)
    each = [member_metrics(dataset, {name: values[k] for name, values in means.items()}) for k in range(len(weights))]
    if len(each) == 1:
        return {MODEL: summarise(each)}
    total = weights.sum(1) / weights.sum()
    mean = {task: np.tensordot(total, values, 1).astype(np.float32) for task, values in means.items()}
    return {MODEL: summarise([member_metrics(dataset, mean)]), EACH_SEED: summarise(each)}


def seed_means(predictor: Predictor, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The weighted mean over genomes for each seed, [S, N, C] by task, of the members' predictions [S * G, N, C]."""
    weights = _weights(predictor)
    shares = weights / weights.sum(1, keepdims=True)
    grouped = {name: values.reshape(*weights.shape, *values.shape[1:]) for name, values in outputs.items()}
    return {name: np.einsum("sg,sg...->s...", shares, values) for name, values in grouped.items()}


def _weights(predictor: Predictor) -> Any:
    """The weight of each genome in each seed, [S, G]."""
    genomes = int(predictor.info.get("genomes", 1))
    return np.array(predictor.shares or (1.0,) * len(predictor.members)).reshape(-1, genomes)


def member_metrics(dataset: Dataset, outputs: Mapping[str, Any]) -> dict[str, float]:
    """All metrics of one network, from its predictions (values or probabilities) by task, [N, C]."""
    tasks = {name: dataset.tasks[name] for name in outputs}
    return all_metrics(tasks, {name: as_scores(tasks[name], values) for name, values in outputs.items()})


def as_scores(task: Task, predicted: Any) -> Any:
    """Predictions as `metrics` take them: a label counts as predicted if its score, not its probability, is above 0."""
    return predicted - 0.5 if task.kind == "multilabel" else predicted


def summarise(metrics: Sequence[Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """The mean, the standard deviation (0 for one network) and the values of each metric over networks.

    Example:
        >>> summarise([{"mae": 1.0}, {"mae": 3.0}])["mae"]
        {'mean': 2.0, 'std': 1.4142135623730951, 'values': [1.0, 3.0]}
    """
    table: dict[str, dict[str, Any]] = {}
    for name in metrics[0]:
        values = np.array([of_network[name] for of_network in metrics])
        spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        table[name] = {"mean": float(values.mean()), "std": spread, "values": values.tolist()}
    return table

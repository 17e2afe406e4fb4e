"""Training a genome for good: several seeds as one cohort, a saved model, and one reading of the test split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cluster.files import write_json
from cluster.lineage import describe
from cluster.manifest import manifest
from cluster.recipe import Recipe, protocol
from cluster.trainer import Trainer
from model.data.dataset import Dataset, Task
from model.data.sources import load_again
from model.metrics import all_metrics

if TYPE_CHECKING:
    from model.predictor import Predictor

Table = dict[str, dict[str, dict[str, Any]]]
"""`{model: {metric: {"mean", "std", "values"}}}`."""


def train_for_good(recipe: Recipe, data: str, seeds: int, out: Path) -> tuple[Table, str]:
    """Train the recipe's genomes `seeds` times as one cohort, save them in `out`, score them on the test split, once.

    What is saved is calibrated (cluster/calibrate.py). Returns the table of test metrics, and the line that names the
    protocol. Raises ValueError if a network diverges.
    """
    from cluster.calibrate import calibrated

    dataset = load_again(data, recipe.stream)
    trainer = Trainer.of(recipe, dataset)
    predictor = calibrated(_final_predictor(trainer, data, seeds), trainer, seeds)
    predictor.save(out)
    table = score(predictor, dataset.part("test"))
    write_json(out / "metrics.json", {"models": table, "split": "test", **predictor.info})
    return table, str(predictor.info["protocol"])


def train_predictor(recipe: Recipe, dataset: Dataset, data: str, seeds: int) -> Predictor:
    """The recipe's genomes, trained `seeds` times as one cohort on all but the test split; `data` is its name.

    Raises ValueError if a network diverges.
    """
    return _final_predictor(Trainer.of(recipe, dataset), data, seeds)


def _final_predictor(trainer: Trainer, data: str, seeds: int) -> Predictor:
    from model.pool import FoldStatistics
    from model.predictor import Predictor
    from model.schema import Schema

    if seeds < 1:
        raise ValueError(f"{seeds} seeds were asked for, expected 1 or more")
    recipe, dataset = trainer.recipe, trainer.dataset
    folds, line = protocol(recipe.score, trainer.samples, whole=recipe.whole)
    if recipe.fingerprint not in (None, dataset.fingerprint):
        line += "; the genome was found on other data"
    trained = trainer.train(folds, [final_seed(recipe.seed, k) for k in range(seeds)])
    info = manifest(
        data=data,
        fingerprint=dataset.fingerprint,
        dataset=describe(dataset, data),
        seed=recipe.seed,
        seeds=[final_seed(recipe.seed, k) for k in range(seeds)],
        device=trainer.pool.device.type,
        protocol=line,
        batch_size=trainer.batch_size,
        origin=recipe.origin,
        ensemble=recipe.ensemble,
        genomes=len(recipe.members),
    )
    statistics = FoldStatistics.fit(trainer.pool, folds)
    predictor = Predictor.of(trained, statistics, Schema.of(dataset), trainer.normalisation, info)
    total = seeds * sum(count for _, count in recipe.members)
    return replace(predictor, shares=tuple(count / total for _ in range(seeds) for _, count in recipe.members))


def final_seed(seed: int, replicate: int) -> int:
    """Seeds of final training: never those of a candidate in the search."""
    return int(np.random.SeedSequence([seed, 3, replicate]).generate_state(1)[0])


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

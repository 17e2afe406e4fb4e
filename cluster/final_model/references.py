"""How sure the figures of a model are, and what it must beat: a constant and a linear model of the same data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from haemsa.cluster.run_directory.plain_models import PlainModels
from haemsa.cluster.shared.bootstrap import intervals
from haemsa.model.data.dataset import Dataset
from haemsa.model.metrics import all_metrics
from haemsa.model.predictor.own_features import OwnFeatures
from haemsa.model.predictor.scores import MODEL, ScoreTable, as_scores, score, summarise
from haemsa.model.seeds import SeedPurpose

if TYPE_CHECKING:
    from haemsa.model.predictor.predictor import Predictor

LINEAR: Final = "linear model"
"""Names the metrics of ridge or logistic regression."""
CONSTANT: Final = "constant"
"""Names the metrics of the best constant."""
INTERVAL: Final = "interval"
"""In the metrics of the model, the key of the interval over samples."""


def better_plain_model(saved: Path) -> list[str]:
    """A sentence that says so if a plain model is better than the model that `train_for_good` has saved.

    Both are scored on the same held-out samples of training, not on the test split.

    Args:
        saved: the folder of the model.

    Example:
        >>> better_plain_model(Path("models/planted"))  # doctest: +SKIP
        []
    """
    facts = json.loads((saved / "metrics.json").read_text(encoding="utf-8"))
    plain = PlainModels.of(facts.get("held_out"))
    return plain.warning("this model") if plain else []


def score_beside(
    predictor: Predictor, dataset: Dataset, split: str, outputs: Mapping[str, Any] | None = None
) -> ScoreTable:
    """The metrics of a model on a split with their intervals, and those of a linear model and of a constant.

    These two learn from the samples that the model was trained on. They are left out if the data has none.

    Args:
        predictor: the model.
        dataset: the data, with all of its splits.
        split: the split that is scored.
        outputs: what the model's members predict for the samples of the split, [K, N, C] by task, if it is known.
    """
    samples, seed = dataset.take(dataset.split(split)), int(predictor.info.get("seed", 0))
    outputs = outputs or predictor.predict_members(predictor.inputs(OwnFeatures.of_model(predictor.info).of(samples)))
    table = score(predictor, samples, outputs)
    for metric, ends in _intervals(predictor, samples, outputs, seed).items():
        table[MODEL][metric][INTERVAL] = list(ends)
    return table | references(predictor, dataset, split, seed)


def references(predictor: Predictor, dataset: Dataset, split: str, seed: int = 0) -> ScoreTable:
    """The metrics of a linear model and of a constant on a split, if the data has the samples that they learn from."""
    from haemsa.model.baselines.plain import constant_outputs, linear_outputs

    splits = [name for name in predictor.info.get("trained_on", ["train"]) if name in dataset.splits]
    if not splits:
        return {}
    known = _known(predictor, dataset)
    trained, scored = np.concatenate([known.split(name) for name in splits]), known.split(split)
    if not all(task.labelled[trained].any() for task in known.tasks.values()):
        return {}
    labels = {name: task.take(scored) for name, task in known.tasks.items()}
    constants = {name: constant_outputs(task, trained, len(scored)) for name, task in known.tasks.items()}
    linear = linear_outputs(predictor.normalisation.apply(known), trained, scored, seed)
    return {
        LINEAR: summarise([all_metrics(labels, linear)]),
        CONSTANT: summarise([all_metrics(labels, constants)]),
    }


def _known(predictor: Predictor, dataset: Dataset) -> Dataset:
    """The data with only the tasks and modalities of the model."""
    modalities = {name: item for name, item in dataset.modalities.items() if name in predictor.modalities}
    return replace(dataset.with_tasks(list(predictor.tasks)), modalities=modalities)


def _intervals(
    predictor: Predictor, samples: Dataset, outputs: Mapping[str, Any], seed: int
) -> dict[str, tuple[float, float]]:
    """The interval of each metric of the members' mean."""
    tasks = {name: samples.tasks[name] for name in outputs}
    means = {name: as_scores(tasks[name], predictor.mean(values)) for name, values in outputs.items()}

    def metrics(drawn: Any) -> dict[str, float]:
        answers = {name: values[drawn] for name, values in means.items()}
        return all_metrics({name: task.take(drawn) for name, task in tasks.items()}, answers)

    rng = np.random.default_rng((seed, SeedPurpose.BOOTSTRAP))
    found = intervals(lambda drawn: list(metrics(drawn).values()), samples.groups, rng)
    return dict(zip(metrics(np.arange(len(samples))), found, strict=True))

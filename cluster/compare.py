"""The best of a search beside the field's usual models, all tuned by as many trials; the test split is read once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cluster.bootstrap import Difference, paired_difference
from cluster.config import SearchConfig
from cluster.contenders import Judged, Tuned, classical_outputs, designs, tuned_classical, tuned_network
from cluster.journal import RunDirectory
from cluster.problem import Problem
from cluster.progress import Progress
from cluster.recipe import Recipe, protocol, read_recipe
from cluster.train import Table, seed_means, summarise, train_predictor
from model.classical import Classical, kinds
from model.data.dataset import Dataset
from model.data.sources import load
from model.metrics import task_metrics

Outputs = NDArray[np.float32]
OURS = ("best", "ensemble")


@dataclass(frozen=True)
class Comparison:
    """All models on the test split.

    models: metrics by name, a model's mean over seeds as NAME+ensemble too. tuned: held-out score and trials by name.
    differences: the best genome, and the ensemble of its seeds, less each other model and its ensemble.
    """

    judged: Judged
    models: Table
    tuned: Mapping[str, Tuned]
    differences: Mapping[str, Difference]


def compare(config: SearchConfig, run: Path, out: Path, trials: int, seeds: int, progress: Progress) -> Comparison:
    """Tune all, train each `seeds` times, and read the test split once.

    `run`: the search whose best is compared. The searches of the other designs go to `out`, and a comparison that was
    cut off goes on there.
    """
    problem = Problem.of(config)
    judged = Judged.of(problem)
    tuned: dict[str, Tuned] = dict(ours(run))
    for name in designs(problem):
        progress.note(f"tuning {name}: {trials} trials")
        tuned[name] = tuned_network(config, {"design": name}, trials, out / name, progress)
    for kind in kinds(problem.pool.tasks[judged.task]):
        progress.note(f"tuning {kind}: {trials} trials")
        tuned[kind] = tuned_classical(problem, judged, kind, trials, config.seed)
    return tested(config, problem, judged, tuned, seeds)


def tested(
    config: SearchConfig, problem: Problem, judged: Judged, tuned: Mapping[str, Tuned], seeds: int
) -> Comparison:
    """Train all, then read the test split, once."""
    dataset = load(config.data, stream=config.stream)
    given = {name: _trained(item.model, dataset, problem, config, judged, seeds) for name, item in tuned.items()}
    return judge(dataset.part("test"), judged, tuned, given, config.seed)


def judge(
    test: Dataset, judged: Judged, tuned: Mapping[str, Tuned], given: Mapping[str, Outputs], seed: int
) -> Comparison:
    """Metrics and differences of what the models answer for the test samples, [S, N, C] by name."""
    task = test.tasks[judged.task]
    known = np.flatnonzero(task.labelled)
    labels, groups = task.take(known), test.groups[known]
    every = {name: outputs[:, known] for name, outputs in given.items()}
    every |= {f"{name}+ensemble": outputs.mean(axis=0, keepdims=True) for name, outputs in every.items()}
    models = {
        name: summarise([task_metrics(labels, labels.targets, each) for each in outputs])
        for name, outputs in every.items()
    }
    rng, differences = np.random.default_rng((seed, 11)), {}
    for name, outputs in every.items():
        mine = every["best+ensemble" if name.endswith("+ensemble") else "best"]
        if not name.startswith(OURS):
            differences[name] = paired_difference(judged.metric, labels, groups, mine, outputs, rng)
    return Comparison(judged, models, tuned, differences)


def ours(run: Path) -> Iterator[tuple[str, Tuned]]:
    """The best genome of a search and its best ensemble, if there is one."""
    with RunDirectory.open(run, read_only=True) as directory:
        summary = directory.summary()
    if not summary or not summary.get("best"):
        raise ValueError(f"run directory {run} has no best genome, expected a search that has ended")
    objective = next(iter(summary["best"]["scores"]))
    yield "best", Tuned(summary["best"]["scores"][objective], summary["evaluations"], read_recipe(str(run)))
    ensemble: Any = summary.get("ensemble")
    if ensemble:
        recipe = read_recipe(str(run), ensemble=True)
        yield "ensemble", Tuned(ensemble["scores"][objective], summary["evaluations"], recipe)


def _trained(
    model: Recipe | Classical, dataset: Dataset, problem: Problem, config: SearchConfig, judged: Judged, seeds: int
) -> Outputs:
    """A model's answers for the test samples [S, N, C], trained as the search scored."""
    if isinstance(model, Recipe):
        return _network_outputs(model, dataset, config.data, judged, seeds)
    folds, _ = protocol(Recipe((), score=problem.folds.kind), problem.pool)
    pool = np.concatenate([dataset.split("train"), dataset.split("valid")])  # in the order of problem.pool
    prepared, trained = problem.normalisation.apply(dataset), pool[~folds.held_out[0]]
    return classical_outputs(model, prepared, trained, dataset.split("test"), judged.task, seeds)


def _network_outputs(recipe: Recipe, dataset: Dataset, data: str, judged: Judged, seeds: int) -> Outputs:
    """Answers of the recipe's genomes, the mean of an ensemble's, for the test samples [S, N, C]."""
    from model.predictor import inputs_of

    predictor, test = train_predictor(recipe, dataset, data, seeds), dataset.part("test")
    given = {name: item for name, item in inputs_of(test).items() if name in predictor.modalities}
    found = seed_means(predictor, predictor.predict_members(given))[judged.task]
    centred = found - 0.5 if test.tasks[judged.task].kind == "multilabel" else found  # metrics ask where it is above 0
    return np.asarray(centred, dtype=np.float32)

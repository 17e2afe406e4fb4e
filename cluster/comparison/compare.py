"""The best of a search next to the models that people usually use, all tuned by as many trials.

The test split is read once. What takes long is kept in the folder of the comparison: each search, the trials of each
kind of model (classical_trials.py), and the predictions of each model for the test samples (finals.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from haemsa.cluster.comparison.contenders import ComparisonSetup, TestMetric, Tuned, designs
from haemsa.cluster.comparison.finals import Finals
from haemsa.cluster.comparison.ours import OURS
from haemsa.cluster.comparison.together import together
from haemsa.cluster.comparison.tuning import Bench
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.problem import Problem, worker_data
from haemsa.cluster.shared.bootstrap import Difference, Outputs, paired_difference
from haemsa.cluster.shared.kept import Kept
from haemsa.cluster.shared.progress import Progress
from haemsa.cluster.shared.steps import Steps
from haemsa.model.baselines.classical import kinds
from haemsa.model.cost import is_cost
from haemsa.model.data.dataset import Dataset
from haemsa.model.metrics import task_metrics
from haemsa.model.predictor.scores import ScoreTable, summarise
from haemsa.model.seeds import SeedPurpose

KEPT: Final = "kept"
"""In the folder of a comparison, the folder of trials and predictions."""


@dataclass(frozen=True)
class Comparison:
    """All models on the test split.

    - `models`: metrics by name. "best" and "ensemble" are those of our search. Each model has an ensemble too. It is
      called "NAME, ensemble of trials" if its search or its trials found one, or "NAME, mean of seeds".
    - `tuned`: held-out score and trials by name.
    - `differences`: our best genome minus each other model, and the mean of its seeds minus each other ensemble.
    - `of_ensembles`: our best ensemble (the mean of its seeds) minus each other ensemble.
    - `failed`: models that could not be tuned or trained, and why.
    - `folder`: where the searches, the picture and the figures are.
    """

    judged: TestMetric
    models: ScoreTable
    tuned: Mapping[str, Tuned]
    differences: Mapping[str, Difference]
    of_ensembles: Mapping[str, Difference]
    failed: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path()


def compare(setup: ComparisonSetup, seeds: int, progress: Progress) -> Comparison:
    """Tune all models, train each `seeds` times, and read the test split once.

    Args:
        setup: The search, whose best genome and ensemble are compared. A comparison that was cut off goes on.
        seeds: How many times each model is trained in the end.
        progress: Shows how the searches stand.

    Raises:
        ValueError: Before any training, for what cannot be compared.
    """
    problem, judged = checked(setup, seeds)
    changes = {name: {"design": name} for name in designs(problem)}
    others = kinds(problem.pool.tasks[judged.task], list(problem.pool.modalities))
    steps = Steps(progress, 2, sizes=(setup.trials, seeds))
    with bench(setup, problem, judged, steps) as models:
        return tested(models, models.tuned(changes, others, steps), seeds, steps)


@contextmanager
def bench(setup: ComparisonSetup, problem: Problem, judged: TestMetric, progress: Progress) -> Iterator[Bench]:
    """Where models are tuned and trained while the block runs."""
    data = worker_data(setup.config, problem)
    with together(setup.config, data, progress) as side:
        yield Bench(setup, problem, judged, data, Kept(setup.out / KEPT), side)


def checked(setup: ComparisonSetup, seeds: int) -> tuple[Problem, TestMetric]:
    """The data of a search, and the metric that all are judged by. Raises ValueError for what cannot be compared."""
    if seeds < 1:
        raise ValueError(f"{seeds} seeds were asked for, expected 1 or more")
    config, run = setup.config, setup.run
    dataset = setup.data
    dataset.split("test")
    problem = Problem.of(config, dataset)
    first = next(iter(problem.objectives))
    if is_cost(first) or first in problem.own:
        raise ValueError(f"the first objective of {run} is {first}, expected a metric: it chooses the best")
    with RunDirectory.open(run, read_only=True) as directory:
        searched = directory.manifest().get("fingerprint")
    if searched != problem.fingerprint:
        raise ValueError(
            f"data {config.data or dataset.name} has fingerprint {problem.fingerprint}, the search was on {searched}"
        )
    return problem, TestMetric.of(problem)


def tested(models: Bench, found: Mapping[str, Tuned | str], seeds: int, steps: Steps) -> Comparison:
    """Train all models, then read the labels of the test split, once. The folder keeps the predictions.

    A model that cannot be trained is left out, except the best genome.

    Args:
        models: Where they are trained.
        found: The models by name, or why there is none.
        seeds: How many times each is trained.
        steps: Shows how far this is.
    """
    setup, judged = models.setup, models.judged
    tuned = {name: item for name, item in found.items() if isinstance(item, Tuned)}
    lost = {name: item for name, item in found.items() if isinstance(item, str)}
    finals = Finals(setup.data, models.problem, judged, setup.config, seeds, models.kept, models.side)
    recipes = {name: item.model for name, item in tuned.items()}
    recipes |= {f"{name}+ensemble": item.ensemble for name, item in tuned.items() if item.ensemble}
    steps.begin("final training", f"training {len(recipes)} models")
    (made,) = models.side.run([lambda: dict(finals.predictions(recipes, steps))])
    predictions: dict[str, Outputs] = {}
    for file in recipes:  # in the same order whichever ended first
        outputs, (model, _, ensemble) = made[file], file.partition("+")
        name = of_trials(model) if ensemble else model
        if isinstance(outputs, str):
            if name == "best":
                raise ValueError(outputs)
            lost[name] = outputs
        else:
            predictions[name] = outputs.mean(axis=0, keepdims=True) if ensemble else outputs
    return judge(setup.data.part("test"), judged, tuned, predictions, setup.config.seed, lost)


def judge(
    test: Dataset,
    judged: TestMetric,
    tuned: Mapping[str, Tuned],
    predictions: Mapping[str, Outputs],
    seed: int,
    failed: Mapping[str, str] | None = None,
) -> Comparison:
    """Metrics and differences by the predictions for the test samples, [S, N, C] by name.

    A model without predictions of an ensemble of its trials has the mean of its seeds.
    """
    task = test.tasks[judged.task]
    labelled = np.flatnonzero(task.labelled)
    labels, groups = task.take(labelled), test.groups[labelled]
    every = {name: by_seed[:, labelled] for name, by_seed in predictions.items()}
    plain = [name for name in every if not is_ensemble(name) and of_trials(name) not in every]
    every |= {mean_of_seeds(name): every[name].mean(axis=0, keepdims=True) for name in plain}
    models = {
        name: summarise([task_metrics(labels, labels.targets, outputs) for outputs in by_seed])
        for name, by_seed in every.items()
    }
    rng = np.random.default_rng((seed, SeedPurpose.BOOTSTRAP))
    others = [name for name in every if not name.startswith(OURS)]

    def minus(mine: str, name: str) -> Difference:
        return paired_difference(judged.name, labels, groups, every[mine], every[name], rng)

    single = {name: minus(mean_of_seeds("best") if is_ensemble(name) else "best", name) for name in others}
    best = mean_of_seeds("ensemble")
    joint = {name: minus(best, name) for name in others if is_ensemble(name)} if best in every else {}
    return Comparison(judged, models, tuned, single, joint, dict(failed or {}))


def mean_of_seeds(name: str) -> str:
    """What the mean of a model's seeds is called."""
    return f"{name}, mean of seeds"


def of_trials(name: str) -> str:
    """What the best ensemble of a model's trials is called."""
    return f"{name}, ensemble of trials"


def is_ensemble(name: str) -> bool:
    """Whether the name is one of these two."""
    return ", " in name

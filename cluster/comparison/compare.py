"""The best of a search beside the field's usual models, all tuned by as many trials; the test split is read once.

What took long is kept in the comparison's folder: each search, each kind's trials (classical_trials.py), and what each
model answers for the test samples (finals.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from haemsa.cluster.comparison.bootstrap import Difference, Outputs, paired_difference
from haemsa.cluster.comparison.classical_trials import tuned_classical
from haemsa.cluster.comparison.contenders import TestMetric, Tuned, designs, tuned_network
from haemsa.cluster.comparison.finals import Finals
from haemsa.cluster.config import SearchConfig
from haemsa.cluster.final_model.recipe import read_recipe
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.problem import Problem
from haemsa.cluster.shared.progress import Progress
from haemsa.model.baselines.classical import kinds
from haemsa.model.cost import COSTS
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.sources import load
from haemsa.model.metrics import task_metrics
from haemsa.model.predictor.scores import Table, summarise
from haemsa.model.seeds import SeedPurpose

OURS = ("best", "ensemble")
KEPT = "kept"
"""Where trials and answers are kept, in the folder of a comparison."""


@dataclass(frozen=True)
class Comparison:
    """All models on the test split.

    models: metrics by name, and of each model's ensemble as NAME+ensemble: that of its search or trials (named in
    `greedy`), else the mean of its seeds. tuned: held-out score and trials by name.
    differences: the best genome, and the ensemble of its seeds, less each other model and its ensemble;
    of_ensembles: our best ensemble less each other model's. failed: who could not be tuned or trained, and why.
    folder: where its searches, its picture and its figures are.
    """

    judged: TestMetric
    models: Table
    tuned: Mapping[str, Tuned]
    differences: Mapping[str, Difference]
    of_ensembles: Mapping[str, Difference]
    failed: Mapping[str, str] = field(default_factory=dict)
    greedy: tuple[str, ...] = ()
    folder: Path = Path()


def compare(config: SearchConfig, run: Path, out: Path, trials: int, seeds: int, progress: Progress) -> Comparison:
    """Tune all, train each `seeds` times, and read the test split once.

    `run`: the search whose best is compared. The searches of the other designs go to `out`, and a comparison that was
    cut off goes on there. Raises ValueError, before any training, for what cannot be compared.
    """
    problem, judged = checked(config, run, seeds)
    tuned, failed = ours(run, judged), dict[str, str]()
    for name in designs(problem):
        progress.note(f"tuning {name}: {trials} trials")
        try:
            tuned[name] = tuned_network(config, {"design": name}, trials, out / name, judged, progress)
        except ValueError as error:  # say, no network of this design keeps the limits
            failed[name] = str(error)
    for kind in kinds(problem.pool.tasks[judged.task], list(problem.pool.modalities)):
        progress.note(f"tuning {kind}: {trials} trials")
        tuned[kind] = tuned_classical(problem, judged, kind, trials, config.seed, out / KEPT, progress)
    return tested(config, problem, judged, tuned, seeds, out / KEPT, progress, failed)


def checked(config: SearchConfig, run: Path, seeds: int) -> tuple[Problem, TestMetric]:
    """The problem of a search, and what all are judged by. Raises ValueError for what cannot be compared."""
    if seeds < 1:
        raise ValueError(f"{seeds} seeds were asked for, expected 1 or more")
    dataset = load(config.data, stream=config.stream)
    dataset.split("test")
    problem = Problem.of(config, dataset)
    first = next(iter(problem.objectives))
    if first in COSTS:
        raise ValueError(f"the first objective of {run} is {first}, expected a metric: by it the best are chosen")
    with RunDirectory.open(run, read_only=True) as directory:
        known = directory.manifest().get("fingerprint")
    if known != problem.fingerprint:
        raise ValueError(f"data {config.data} has fingerprint {problem.fingerprint}, the search was on {known}")
    return problem, TestMetric.of(problem)


def tested(
    config: SearchConfig,
    problem: Problem,
    judged: TestMetric,
    tuned: Mapping[str, Tuned],
    seeds: int,
    folder: Path,
    progress: Progress,
    failed: Mapping[str, str] | None = None,
) -> Comparison:
    """Train all, then read the labels of the test split, once; answers are kept in `folder`.

    One that cannot be trained is left out, but for the best genome.
    """
    dataset, given, lost = load(config.data, stream=config.stream), dict[str, Outputs](), dict(failed or {})
    finals = Finals(dataset, config.data, problem, judged, config.seed, seeds, folder)
    models = {name: item.model for name, item in tuned.items()}
    ensembles = {f"{name}+ensemble": item.ensemble for name, item in tuned.items() if item.ensemble is not None}
    for name, model in (models | ensembles).items():
        progress.note(f"training {name}")
        try:
            found = finals.answers(name, model)
            given[name] = found.mean(axis=0, keepdims=True) if name in ensembles else found
        except ValueError as error:
            if name == "best":
                raise
            lost[name] = str(error)
    return judge(dataset.part("test"), judged, tuned, given, config.seed, lost)


def judge(
    test: Dataset,
    judged: TestMetric,
    tuned: Mapping[str, Tuned],
    given: Mapping[str, Outputs],
    seed: int,
    failed: Mapping[str, str] | None = None,
) -> Comparison:
    """Metrics and differences of what the models answer for the test samples, [S, N, C] by name.

    A model without an answer as NAME+ensemble has the mean of its seeds as that.
    """
    task = test.tasks[judged.task]
    known = np.flatnonzero(task.labelled)
    labels, groups = task.take(known), test.groups[known]
    every = {name: answers[:, known] for name, answers in given.items()}
    greedy = tuple(name for name in every if name.endswith("+ensemble"))
    plain = [name for name in every if name not in greedy and f"{name}+ensemble" not in greedy]
    every |= {f"{name}+ensemble": every[name].mean(axis=0, keepdims=True) for name in plain}
    models = {
        name: summarise([task_metrics(labels, labels.targets, each) for each in answers])
        for name, answers in every.items()
    }
    rng = np.random.default_rng((seed, SeedPurpose.BOOTSTRAP))
    others = [name for name in every if not name.startswith(OURS)]

    def less(mine: str, name: str) -> Difference:
        return paired_difference(judged.metric, labels, groups, every[mine], every[name], rng)

    single = {name: less("best+ensemble" if name.endswith("+ensemble") else "best", name) for name in others}
    best = "ensemble+ensemble"
    joint = {name: less(best, name) for name in others if name.endswith("+ensemble")} if best in every else {}
    return Comparison(judged, models, tuned, single, joint, dict(failed or {}), greedy)


def ours(run: Path, judged: TestMetric) -> dict[str, Tuned]:
    """The best genome of a search that has ended, and its best ensemble, if there is one."""
    with RunDirectory.open(run, read_only=True) as directory:
        summary = directory.summary()
    if not summary or not summary.get("best") or summary.get("ended_by") == "interrupted":
        raise ValueError(f"run directory {run} has no best genome, expected a search that has ended")
    score = judged.score_in(summary["best"]["scores"])
    found = {"best": Tuned(score, summary["evaluations"], read_recipe(str(run)))}
    ensemble: Any = summary.get("ensemble")
    if ensemble:
        recipe = read_recipe(str(run), ensemble=True)
        found["ensemble"] = Tuned(judged.score_in(ensemble["scores"]), summary["evaluations"], recipe)
    return found

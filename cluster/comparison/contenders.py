"""The models that are compared with the best of a search: the usual designs and models, each tuned by as many trials.

The design of a network is tuned by a search within that design, on the same folds. Other models are tuned by random
trials on these folds (classical_trials.py). None of this sees the test split.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from haemsa.cluster.config import DEFAULT_EVALUATIONS, Compute, SearchConfig
from haemsa.cluster.final_model.recipe import Recipe, read_recipe
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.launch import Prepared, resume_search, run_search
from haemsa.cluster.search.problem import Problem
from haemsa.cluster.search.sizing import SIZED
from haemsa.cluster.shared.bootstrap import Outputs, sample_values
from haemsa.cluster.shared.given_data import check_known, data_again
from haemsa.cluster.shared.progress import Progress
from haemsa.evo.expert_space.designs import usual_designs
from haemsa.model.baselines.classical import SEEDED, Classical, Kind
from haemsa.model.data.dataset import Dataset, Task
from haemsa.model.metrics import task_metrics
from haemsa.model.missing_modalities import streams_of

Mixture = tuple[tuple[Classical, int], ...]
"""Models of scikit-learn, or networks like MISA, each with its weight in their mean."""


def weight_of(kinds: Iterable[Kind]) -> float:
    """Who gets workers first: models among which is a network, because only these take long.

    Example:
        >>> weight_of(["ridge", "misa"]), weight_of(["ridge"])
        (inf, 0.0)
    """
    return math.inf if any(kind in SEEDED for kind in kinds) else 0.0


@dataclass(frozen=True)
class TestMetric:
    """What all models are judged by: a metric of one task, and whether less of it is better."""

    task: str
    name: str
    minimise: bool

    @classmethod
    def of(cls, problem: Problem) -> TestMetric:
        """The main metric of a search."""
        full, way = problem.main_metric
        task, _, name = full.rpartition("/")
        return cls(task or next(iter(problem.pool.tasks)), name, way == "min")

    def score_in(self, scores: Mapping[str, float]) -> float:
        """The metric among the scores of a search. They are without the name of the task if there is only one."""
        return scores.get(f"{self.task}/{self.name}", scores.get(self.name, math.nan))

    def metric(self, task: Task, outputs: Outputs) -> float:
        """The metric of outputs [N, C] on the samples that have a label."""
        values = sample_values(task, self.name, outputs)
        return task_metrics(task, task.targets, outputs)[self.name] if values is None else float(np.nanmean(values))


@dataclass(frozen=True)
class Tuned:
    """The best model of one kind: its held-out score on the folds, and how many trials it took to find it.

    `ensemble`: the greedy ensemble of what the trials found, if there is one.
    """

    score: float
    trials: int
    model: Recipe | Mixture
    ensemble: Recipe | Mixture | None = None


@dataclass(frozen=True)
class ComparisonSetup:
    """A search that is compared, its settings, the folder of the other models, and how many trials each gets.

    `dataset`: the data, if it was given from Python.
    """

    config: SearchConfig
    run: Path
    out: Path
    trials: int
    dataset: Dataset | None = None

    @cached_property
    def data(self) -> Dataset:
        """The data of the search, with its test split."""
        return data_again(self.config.data, self.dataset, self.config.stream, f"the search in {self.run}")


def begun(
    run: Path | None,
    data: str | None,
    trials: int | None,
    out: Path | None,
    progress: Progress,
    folder: str,
    dataset: Dataset | None = None,
    compute: Compute | None = None,
) -> ComparisonSetup:
    """What the options of a command mean. Without a run, a search of as many trials on the data comes first.

    Raises ValueError if run and data are missing, or for fewer than one trial.
    """
    if trials is not None and trials < 1:
        raise ValueError(f"{trials} trials were asked for, expected 1 or more")
    if run is not None:
        with RunDirectory.open(run, read_only=True) as directory:
            config, summary = directory.config(), directory.summary()
        source = None if dataset is not None else data or config.data
        config = config.model_copy(update={"data": source, **config.compute.changed_by(compute).model_dump()})
        if dataset is None:
            check_known(config.data, f"the search in {run}")
        place = out or Path(folder) / run.name
        return ComparisonSetup(config, run, place, trials or int((summary or {}).get("evaluations", 1)), dataset)
    if data is None and dataset is None:
        raise ValueError("neither --run nor --data is given, expected a search to compare, or data to search first")
    name, where = None if dataset is None else dataset.name, Compute().changed_by(compute).model_dump()
    config = SearchConfig.of({"data": data, "name": name, **where})
    place = out or Path(folder) / config.title
    count = trials or DEFAULT_EVALUATIONS
    progress.note(f"searching first: {count} evaluations")
    judged = TestMetric.of(Problem.of(config, dataset))
    run = place / "search"
    tuned_network(config, {}, count, run, judged, progress, dataset=dataset)
    with RunDirectory.open(run, read_only=True) as directory:  # the others get the sizes that it has
        sizes = {name: getattr(directory.config(), name) for name in SIZED}
    return ComparisonSetup(config.model_copy(update=sizes), run, place, count, dataset)


def tuned_network(
    config: SearchConfig,
    changes: Mapping[str, Any],
    trials: int,
    run: Path,
    judged: TestMetric,
    progress: Progress,
    *,
    dataset: Dataset | None = None,
    prepared: Prepared | None = None,
) -> Tuned:
    """The best network of a search in `run`, with the settings of `config` and `changes`.

    A search that was cut off goes on. Raises ValueError if another search is there, or if no network could be trained.
    `dataset`, `prepared`: as for `run_search`.
    """
    own = {"evaluations": trials, "time": None, "patience": None, "run": str(run), "name": run.name}
    alone = {"tracking": "off", "start": []}  # trials of earlier searches would not be counted
    wanted = {**config.model_dump(), **alone, **own, **changes}
    if (run / "config.yaml").exists():
        kept = {name: value for name, value in wanted.items() if name not in SIZED or name in changes}
        result = resume_search(run, progress, kept, dataset=dataset, prepared=prepared)
    else:
        result = run_search(SearchConfig.of(wanted), progress, dataset=dataset, prepared=prepared)
    if result.summary["ended_by"] == "interrupted":
        raise KeyboardInterrupt
    best = result.summary["best"]
    if best is None:
        raise ValueError(f"no network of {run.name} could be trained: see {run / 'search.log'}")
    ensemble = read_recipe(str(run), ensemble=True) if result.summary["ensemble"] else None
    return Tuned(judged.score_in(best["scores"]), result.summary["evaluations"], read_recipe(str(run)), ensemble)


def designs(problem: Problem) -> tuple[str, ...]:
    """The names of the usual designs for these modalities."""
    steps = {name: item.steps for name, item in problem.pool.modalities.items()}
    return usual_designs(streams_of(list(steps)), steps)

"""Who is compared with the best of a search: the field's usual designs and models, each tuned by as many trials.

A network's design is tuned by a search of its own, within that design, on the same folds; a model of scikit-learn by
random trials on them. All are then trained in the same way, and none of it sees the test split.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cluster.config import DEFAULT_EVALUATIONS, SearchConfig
from cluster.journal import RunDirectory
from cluster.launch import resume_search, run_search
from cluster.problem import Problem
from cluster.progress import Progress
from cluster.recipe import Recipe, read_recipe
from evo.families import usual
from model.classical import Classical, Kind, draw, outputs, summaries
from model.data.dataset import Dataset, Task
from model.data.folds import Folds
from model.metrics import task_metrics

Outputs = NDArray[np.float32]


@dataclass(frozen=True)
class Judged:
    """What all are judged by: a metric of one task, and whether less of it is better."""

    task: str
    name: str
    minimise: bool

    @classmethod
    def of(cls, problem: Problem) -> Judged:
        """The main metric of a search."""
        full, way = problem.main_metric
        task, _, name = full.rpartition("/")
        return cls(task or next(iter(problem.pool.tasks)), name, way == "min")

    def metric(self, task: Task, given: Outputs) -> float:
        """The metric of outputs [N, C] on the samples that have a label."""
        known = task.labelled
        if self.name == "mae":
            return float(np.abs(given[known, 0] - task.targets[known]).mean())
        return task_metrics(task, task.targets, given)[self.name]


@dataclass(frozen=True)
class Tuned:
    """The best model of one kind: its held-out score on the folds, and the trials that it took to find it."""

    score: float
    trials: int
    model: Recipe | Classical


@dataclass(frozen=True)
class Start:
    """What is compared: a search that has ended, how it was set up, where others go, and how many trials they get."""

    config: SearchConfig
    run: Path
    out: Path
    trials: int


def begun(
    run: Path | None, data: str | None, trials: int | None, out: Path | None, progress: Progress, folder: str
) -> Start:
    """From a command's options; without a run, a search of as many trials on `data` comes first.

    Raises ValueError without either, or for fewer trials than 1.
    """
    if trials is not None and trials < 1:
        raise ValueError(f"{trials} trials were asked for, expected 1 or more")
    if run is not None:
        with RunDirectory.open(run, read_only=True) as directory:
            config, summary = directory.config(), directory.summary()
        config = config.model_copy(update={"data": data or config.data})
        place = out or Path(folder) / Path(config.data).stem
        return Start(config, run, place, trials or int((summary or {}).get("evaluations", 1)))
    if data is None:
        raise ValueError("neither --run nor --data is given, expected a search to compare, or data to search first")
    config, place = SearchConfig.of({"data": data}), out or Path(folder) / Path(data).stem
    count = trials or DEFAULT_EVALUATIONS
    progress.note(f"searching first: {count} evaluations")
    tuned_network(config, {}, count, place / "search", progress)
    return Start(config, place / "search", place, count)


def tuned_network(
    config: SearchConfig, changes: Mapping[str, Any], trials: int, run: Path, progress: Progress
) -> Tuned:
    """The best network of a search like `config`'s with these changes, in `run`; it goes on where it was cut off."""
    if (run / "config.yaml").exists():
        found = resume_search(run, progress, {"evaluations": trials})
    else:
        own = {"evaluations": trials, "time": None, "patience": None, "run": str(run), "name": run.name}
        found = run_search(SearchConfig.of({**config.model_dump(), "tracking": "off", **own, **changes}), progress)
    best = found.summary["best"]
    if best is None:
        raise ValueError(f"no network of {run.name} could be trained: see {run / 'search.log'}")
    objective = next(iter(best["scores"]))
    return Tuned(best["scores"][objective], found.summary["evaluations"], read_recipe(str(run)))


def designs(problem: Problem) -> tuple[str, ...]:
    """The designs that data of these modalities has."""
    return usual(list(problem.pool.modalities))


def tuned_classical(problem: Problem, judged: Judged, kind: Kind, trials: int, seed: int) -> Tuned:
    """The best of some random models of one kind, by its mean score over the folds; several at a time."""
    from joblib import Parallel, delayed

    rng = np.random.default_rng((seed, 7))
    drawn = [draw(kind, list(problem.pool.modalities), rng) for _ in range(trials)]
    features = summaries(problem.pool)
    jobs = (delayed(_held_out_score)(model, features, problem.pool, problem.folds, judged) for model in drawn)
    scores = np.array(Parallel(n_jobs=-1)(jobs))
    best = int(np.argmin(scores) if judged.minimise else np.argmax(scores))
    return Tuned(float(scores[best]), trials, drawn[best])


def _held_out_score(
    model: Classical, features: Mapping[str, Outputs], pool: Dataset, folds: Folds, judged: Judged
) -> float:
    """The metric on what each fold holds out, the mean over folds."""
    task, scores = pool.tasks[judged.task], []
    for held_out in np.unique(folds.held_out, axis=0):
        given, places = outputs(model, features, task, np.flatnonzero(~held_out)), np.flatnonzero(held_out)
        scores.append(judged.metric(task.take(places), given[places]))
    return float(np.mean(scores))


def classical_outputs(
    model: Classical, prepared: Dataset, trained: NDArray[np.int64], asked: NDArray[np.int64], task: str, seeds: int
) -> Outputs:
    """What a model answers for the samples `asked`, float32 [S, N, C], trained once per seed."""
    features = summaries(prepared)
    return np.stack([outputs(model, features, prepared.tasks[task], trained, seed)[asked] for seed in range(seeds)])

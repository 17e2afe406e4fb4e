"""A whole search, from its settings to its summary: `run_search` and `resume_search`."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cluster.choice import as_json, choose_best
from cluster.config import SearchConfig
from cluster.evaluator import Evaluator, InlineEvaluator
from cluster.journal import RunDirectory
from cluster.manifest import manifest
from cluster.problem import Problem, describe_score
from cluster.progress import Progress, SilentProgress
from cluster.search import Search
from cluster.tracking import ModelTrained, SearchEnded, SearchStarted, Tracker, tracker
from cluster.trial import Trial, TrialData
from evo.candidate import Candidate, Evaluated
from evo.evolution import Evolution
from model.spec import Genome

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SearchResult:
    """What a search leaves: its run directory, its summary, and where the registered model can be loaded from."""

    run: Path
    summary: Mapping[str, Any]
    model: str | None


def run_search(config: SearchConfig, progress: Progress | None = None) -> SearchResult:
    """Search as configured. Raises ValueError, before any training, for settings or data that do not fit."""
    show = progress or SilentProgress()
    problem = Problem.of(config)
    path = Path(config.run) if config.run else _new_run(config)
    facts = manifest(
        data=config.data,
        fingerprint=problem.fingerprint,
        seed=config.seed,
        device=_device(config),
        objectives=dict(problem.objectives),
        notes=list(problem.pool.notes),
    )
    with _evaluator(config, problem) as evaluator, RunDirectory.create(path, config, facts) as run:
        return _search(config, problem, run, evaluator, show)


def resume_search(path: Path, progress: Progress | None = None) -> SearchResult:
    """Go on with the search in a run directory; one that has ended is returned as it is.

    Raises ValueError if there is none, if it is in use, or if its data has changed.
    """
    show = progress or SilentProgress()
    with RunDirectory.open(path) as run:
        summary, config = run.summary(), run.config()
        if summary is not None and summary.get("ended_by") != "interrupted":
            show.note(f"the search in {path} has ended: {summary['evaluations']} evaluations")
            return SearchResult(path, summary, summary.get("model"))
        problem = Problem.of(config)
        known = run.manifest().get("fingerprint")
        if known != problem.fingerprint:
            raise ValueError(f"data {config.data} has fingerprint {problem.fingerprint}, the search began with {known}")
        with _evaluator(config, problem) as evaluator:
            return _search(config, problem, run, evaluator, show)


def _search(
    config: SearchConfig, problem: Problem, run: RunDirectory, evaluator: Evaluator, progress: Progress
) -> SearchResult:
    name = config.name or Path(config.data).stem
    for line in (*problem.pool.notes, describe_score(problem.folds, problem.pool), f"run directory: {run.path}"):
        progress.note(line)
    with run.logged():
        evolution = Evolution(
            problem.space,
            problem.objectives,
            seed=config.seed,
            population_size=config.population,
            mode=config.mode,
        )
        state = run.state()
        if state:
            rows = (row.for_evolution() for row in run.rows())
            evolution.load_state_dict(state["evolution"], Genome.from_json, rows)
        follow = tracker(config.tracking)
        follow.started(
            SearchStarted(
                name, problem.pool.name, problem.fingerprint, config.model_dump(), problem.objectives, run.manifest()
            )
        )
        before = float(state.get("seconds", 0.0))
        simpler = problem.space.simpler
        search = Search(
            config, evolution, evaluator, run, follow, progress, problem.size, simpler=simpler, before=before
        )
        ended_by = search.run()
        return _finish(search, problem, run, follow, name, ended_by)


def _finish(
    search: Search, problem: Problem, run: RunDirectory, follow: Tracker, name: str, ended_by: str
) -> SearchResult:
    """Save the best network, register it, and write the summary."""
    front = search.evolution.front()
    objective, direction = next(iter(problem.objectives.items()))
    best = choose_best(front, objective, direction == "min") if front else None
    summary: dict[str, Any] = {
        "name": name,
        "data": search.config.data,
        "fingerprint": problem.fingerprint,
        "score": problem.folds.kind,
        "seed": search.config.seed,
        "ended_by": ended_by,
        **search.statistics(),
        "objectives": dict(problem.objectives),
        "best": as_json(best, list(problem.objectives)) if best else None,
        "front": [as_json(item, list(problem.objectives)) for item in front],
    }
    run.write_front(front)
    run.write_population()
    address = None
    if best is not None:
        save_best(best, problem, run, search.config)
        record = ModelTrained(
            name=name,
            model_dir=run.best,
            fingerprint=problem.fingerprint,
            objective=objective,
            direction=direction,
            score=best.scores[objective].mean,
            genome_json=best.genome.to_json(),
            data_name=problem.pool.name,
            metrics={_metric_key(key): score.mean for key, score in best.scores.items()},
        )
        address = follow.trained(record)
    run.write_summary({**summary, "model": address})
    genome = best.genome.to_json() if best else None
    interrupted = ended_by == "interrupted"
    follow.ended(SearchEnded(summary, genome, run.path.resolve(), "stopped" if interrupted else "finished"))
    return SearchResult(run.path, {**summary, "model": address}, address)


def save_best(best: Evaluated[Genome], problem: Problem, run: RunDirectory, config: SearchConfig) -> None:
    """The best network as it was scored, one member per fold, and its genome, in the run directory's `best/`."""
    import torch

    from cluster.files import write_text
    from model.cohort import Row
    from model.pool import FoldStatistics, Pool
    from model.predictor import Predictor
    from model.training import TrainedRow

    arrays = run.load_state(best.id)
    if arrays is None:  # the process died between the last record and the last weights: train it again
        log.warning("the weights of candidate %d are missing and are trained again", best.id)
        (result,) = Trial(trial_data(config, problem))([Candidate(best.id, best.genome)])
        folds = [dict(fold) for fold in result.weights]
    else:
        folds = [_fold(arrays, k) for k in range(len(problem.folds))]
    statistics = FoldStatistics.fit(Pool.of(problem.pool), problem.folds)
    trained = [
        TrainedRow(Row(best.genome, 0, k), {name: torch.from_numpy(np.array(a)) for name, a in fold.items()}, {})
        for k, fold in enumerate(folds)
    ]
    scores = {name: score.mean for name, score in best.scores.items()}
    info = {**run.manifest(), "score": problem.folds.kind, "candidate": best.id, "validation": scores}
    Predictor.of(trained, statistics, problem.schema, problem.normalisation, info).save(run.best)
    write_text(run.best / "genome.json", best.genome.to_json() + "\n")


def _fold(arrays: Mapping[str, Any], k: int) -> dict[str, Any]:
    return {name.removeprefix(f"{k}/"): array for name, array in arrays.items() if name.startswith(f"{k}/")}


def trial_data(config: SearchConfig, problem: Problem) -> TrialData:
    """What workers get."""
    return TrialData(problem.pool, problem.folds, config.seed, config.batch_size, _device(config))


@contextmanager
def _evaluator(config: SearchConfig, problem: Problem) -> Iterator[Evaluator]:
    data = trial_data(config, problem)
    with ExitStack() as stack:
        evaluator: Evaluator
        if config.backend == "inline":
            evaluator = InlineEvaluator(Trial(data))
        else:
            from cluster import ray_evaluator

            wanted = None if config.workers == "auto" else config.workers
            ray_evaluator.connect(config.address, config.address_timeout, wanted or os.cpu_count())
            room = ray_evaluator.count_workers(1.0, config.gpus_per_worker)
            if wanted and wanted > room:  # Ray would keep the others, and what they are given, waiting for ever
                raise ValueError(f"workers is {wanted}, but the Ray cluster has room for {room}")
            workers = wanted or room
            evaluator = ray_evaluator.RayEvaluator(Trial, data, workers, gpus=config.gpus_per_worker)
        stack.callback(evaluator.close)
        yield evaluator


def _device(config: SearchConfig) -> str:
    return "cuda" if config.gpus_per_worker > 0 else "cpu"


def _new_run(config: SearchConfig) -> Path:
    """runs/NAME, with a number where that is taken."""
    name = config.name or Path(config.data).stem
    if not name or Path(name).name != name or name.startswith("."):
        raise ValueError(f"name is {name!r}, expected one that can be a folder's")
    base = Path("runs") / name
    return next(path for n in range(1, 1_000_000) if not (path := base if n == 1 else Path(f"{base}-{n}")).exists())


def _metric_key(name: str) -> str:
    return f"validation/{name.replace('/', '_')}"

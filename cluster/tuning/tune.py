"""Refining a genome: Ray Tune tries training genes, then the best trial and the genome itself get fresh seeds."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.final_model.recipe import read_recipe
from haemsa.cluster.final_model.trainer import check_modalities
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.confirmation import Confirmation
from haemsa.cluster.search.objectives import counts_missing
from haemsa.cluster.search.problem import Problem, worker_data
from haemsa.cluster.shared.interrupt import interruptible
from haemsa.cluster.shared.noted import warnings_noted
from haemsa.cluster.shared.progress import Progress, Status
from haemsa.cluster.shared.text import counted
from haemsa.cluster.tuning.result import Tuning, between
from haemsa.cluster.tuning.unfinished import FOLDER, Unfinished, settings_of
from haemsa.cluster.workers.cohort_trainer import WorkerData
from haemsa.cluster.workers.job import Result
from haemsa.cluster.workers.tasks.place import joined_ray
from haemsa.evo.candidate import Evaluated, Score
from haemsa.evo.objectives import Direction
from haemsa.model.cost import is_cost
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import describe_validation
from haemsa.model.seeds import SeedPurpose, derived_seed
from haemsa.model.spec.genome import Genome
from haemsa.model.yaml_file import merged

if TYPE_CHECKING:
    from haemsa.cluster.tuning.follower import Follower
    from haemsa.cluster.tuning.tuner import Task

log = logging.getLogger(__name__)
TRIALS: Final = {"asha": 32, "pbt": 8}
"""Trials by scheduler, if neither their number nor a time is given."""
KEPT: Final = ("batch_size", "data", "name", "objectives", "validation", "seed", "space", "stream", "tasks", "tracking")
"""These settings of a search also hold when its genome is tuned, and where it trained."""


def tune_config(source: str, scheduler: str, options: Mapping[str, Any]) -> SearchConfig:
    """The settings of a tuning.

    Args:
        source: The genome. If it is a run directory, the settings of its search hold, as far as they apply.
        scheduler: "asha" or "pbt".
        options: Settings that differ, by name; "space.widths" names one within `space`. `evaluations` is the number of
            trials.

    Raises:
        ValueError: For settings that do not fit.
    """
    if scheduler not in TRIALS:
        raise ValueError(f"scheduler is {scheduler!r}, expected {' or '.join(TRIALS)}")
    if options.get("backend", "ray") != "ray":
        raise ValueError(f"backend is {options['backend']}, expected ray: the trials are those of Ray Tune")
    given = dict(options)
    if "evaluations" not in given and ("time" not in given or scheduler == "pbt"):
        given["evaluations"] = TRIALS[scheduler]
    before: dict[str, Any] = {}
    if Path(source).is_dir():
        with RunDirectory.open(Path(source), read_only=True) as run:
            found = run.config()
        before = {name: value for name, value in found.model_dump().items() if name in KEPT}
        before |= {**found.compute.model_dump(), "backend": "ray"}  # Ray Tune needs it
        if scheduler == "pbt":  # it has as many workers as trials
            before.pop("workers")
    if (given.get("evaluations") or 2) < 2:
        raise ValueError(
            f"the number of trials is {given['evaluations']}, expected 2 or more: the first is the genome itself"
        )
    config = SearchConfig.of(merged(before, given))
    if (config.address or "").startswith("ray://"):
        raise ValueError(
            f"address is {config.address}, expected HOST:PORT: through Ray's client, Tune's files stay there"
        )
    if scheduler == "pbt" and config.address and config.workers != "auto":
        raise ValueError(f"workers is {config.workers}, but pbt trains its whole population in turn: expected none")
    return config


def tune(
    source: str, config: SearchConfig, scheduler: str, folder: Path, progress: Progress, dataset: Dataset | None = None,
    *, force: bool = False,
) -> Tuning:  # fmt: skip
    """Tune the training genes of a genome on a Ray cluster.

    Args:
        source: A run directory, a genome.json, or an address in MLflow.
        config: The settings, as `tune_config` gives them.
        scheduler: "asha" or "pbt".
        folder: A folder that all nodes can write. What happened is there until the tuning ends, and so are the files of
            Ray Tune. A tuning that was cut off there goes on.
        progress: Shows how the trials stand.
        dataset: The data, if it is given from Python.
        force: Forget a tuning that was cut off with other settings.

    Raises:
        ValueError: Before any training, for what does not fit; afterwards, if no trial or neither genome was trained.
    """
    from haemsa.cluster.tuning.follower import Follower
    from haemsa.cluster.tuning.genes import Genes
    from haemsa.cluster.tuning.tuner import Task
    from haemsa.cluster.workers.node_copies import trainer_maker

    original, problem = read_recipe(source).members[0][0], Problem.of(config, dataset)
    check_modalities(original, problem.pool)
    genes = Genes.of(original, problem.space.domain, epochs=scheduler == "asha")
    settings = settings_of(original, config, scheduler, problem.fingerprint)
    unfinished = Unfinished.read(folder / FOLDER, settings, force=force)
    with warnings_noted(progress, "haemsa.cluster.workers"), joined_ray(config, config.title):
        for line in (*problem.pool.notes, describe_validation(problem.folds, problem.pool, config.validation)):
            progress.note(line)
        data, began = _tuning_data(config, problem), time.monotonic() - unfinished.seconds
        task = Task(config, scheduler, genes, trainer_maker(data), data, *judged(problem), unfinished.seconds)
        facts = problem.pool.name, task.metric, task.direction, problem.folds.kind
        tuning = Tuning(*facts, (), original, original, None, folder=folder, source=config.data)
        with interruptible(), unfinished.kept() as keep:
            follower = Follower(genes, lambda: progress.update(_status(follower, task, began)), keep)
            for event in unfinished.events:
                follower.take(event)
            if unfinished.events:
                progress.note(f"the tuning goes on where it was cut off: {counted(follower.done, 'trial')} done")
            try:
                tuning = _tuned(tuning, task, follower, problem, unfinished.folder, progress)
            except KeyboardInterrupt:
                log.warning("interrupted: nothing is confirmed")
        return replace(tuning, trials=[follower.trials[number] for number in sorted(follower.trials)])


def _tuned(begun: Tuning, task: Task, follower: Follower, problem: Problem, place: Path, progress: Progress) -> Tuning:
    """Run the trials, then confirm the best of them and the genome itself."""
    from haemsa.cluster.tuning.tuner import run_trials

    run_trials(task, follower, place)
    best = follower.best(task.direction)
    failed = [tried.why for _, tried in sorted(follower.trials.items()) if tried.state == "failed"]
    if best is None and failed:
        shutil.rmtree(place, ignore_errors=True)  # there is nothing to go on with
        raise ValueError(f"no trial had all its epochs, and {len(failed)} failed, the first: {failed[0]}")
    tuned = best.genome if best else begun.original
    if tuned == begun.original:
        return replace(begun, genome=begun.original)
    scores = _confirmed(begun.original, tuned, task, problem, progress)
    return replace(begun, tuned=tuned, scores=scores, genome=_better(begun.original, tuned, scores, task.direction))


def judged(problem: Problem) -> tuple[str, Direction]:
    """What genomes are judged by: the first objective that is not a cost, also if it counts missing modalities."""
    first = next((name for name in problem.objectives if not is_cost(name)), None)
    return problem.main_metric if first is None else (first, problem.objectives[first])


def _tuning_data(config: SearchConfig, problem: Problem) -> WorkerData:
    """What each worker gets, with a seed that no training of a search has had."""
    seed = derived_seed(config.seed, SeedPurpose.TUNING)
    missing = counts_missing([judged(problem)[0]])
    return replace(worker_data(config, problem), seed=seed, missing=missing, latency=False)


def _status(follower: Follower, task: Task, began: float) -> Status:
    failures = sum(tried.state == "failed" for tried in follower.trials.values())
    best, elapsed = follower.best(task.direction), time.monotonic() - began
    done, total, limit = follower.done, task.config.evaluations, task.config.time
    left = [elapsed * (total - done) / done] if total and done else []
    left += [max(0.0, limit - elapsed)] if limit else []
    return Status(
        evaluations=done,
        total=total,
        failures=failures,
        best={task.metric: best.score} if best else {},
        front_size=None,
        elapsed=elapsed,
        remaining=min(left, default=None),
        what="trials",
    )


def _confirmed(
    original: Genome, tuned: Genome, task: Task, problem: Problem, progress: Progress
) -> tuple[Score | None, Score | None]:
    """Train both again on fresh seeds, as the front of a search is."""
    from haemsa.cluster.workers.elastic.crew import Crew
    from haemsa.cluster.workers.ray_evaluator import RayEvaluator

    chosen = [Evaluated(number, genome, (), {}) for number, genome in enumerate((original, tuned))]
    crew = Crew.of(task.config.model_copy(update={"workers": 2}), task.config.title).at_most(task.config.most)
    evaluator = RayEvaluator.of(task.make, task.data, crew)
    try:
        confirmation = Confirmation.of(problem, evaluator)
        results = confirmation.confirm(chosen, 1, lambda done, total: progress.note(f"confirmed {done} of {total}"))
    finally:
        evaluator.close()
    first, second = (_score(results, item.id, task.metric) for item in chosen)
    return first, second


def _score(results: Mapping[int, Result], number: int, metric: str) -> Score | None:
    outcome = results[number].outcome if number in results else None
    score = outcome.get(metric) if isinstance(outcome, Mapping) else None
    return score if score is not None and score.finite else None


def _better(original: Genome, tuned: Genome, scores: tuple[Score | None, Score | None], direction: Direction) -> Genome:
    """The tuned genome if it is better on fresh seeds by more than the error of the difference, or the original.

    Raises ValueError if neither could be trained.
    """
    before, after = scores
    if before is None and after is None:
        raise ValueError("neither the genome nor what was tuned of it could be trained again: see the warnings")
    if before is None or after is None:
        return original if after is None else tuned
    difference = between(before, after)
    gain = -difference.mean if direction == "min" else difference.mean
    return tuned if gain > difference.error else original

"""A whole search, from its settings to its summary: `run_search` and `resume_search`."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.manifest import manifest
from haemsa.cluster.run_directory.network_disk import network_warning
from haemsa.cluster.run_directory.places import kept
from haemsa.cluster.run_directory.reserved import vacant
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.confirmation import Confirmation
from haemsa.cluster.search.driver import Driver
from haemsa.cluster.search.evolution import evolution_of
from haemsa.cluster.search.finish import SearchOutcome, confirm_front, finish, unconfirmed
from haemsa.cluster.search.problem import Problem, worker_data
from haemsa.cluster.search.resume import changed, changed_objectives, check_evaluations, digests, has_more
from haemsa.cluster.search.sizing import sized_config
from haemsa.cluster.search.warm_start import WarmStart
from haemsa.cluster.shared.given_data import FROM_PYTHON, check_known, check_one
from haemsa.cluster.shared.interrupt import interruptible
from haemsa.cluster.shared.progress import Progress, lasting
from haemsa.cluster.tracking.client import experiment_asked_for, store_of, store_to_keep
from haemsa.cluster.tracking.records import SearchStarted
from haemsa.cluster.tracking.sync import send_rest
from haemsa.cluster.tracking.tracker import tracker
from haemsa.cluster.workers.evaluator import Evaluator
from haemsa.cluster.workers.factory import described, evaluator_for
from haemsa.cluster.workers.own_objectives.objective import OwnFunctions
from haemsa.cluster.workers.ray_job import check_kept
from haemsa.cluster.workers.tasks.place import device_of
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.folds import describe_validation

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SearchResult:
    """What a search leaves: its run directory, its summary, and the address of the registered model (None: none)."""

    run: Path
    summary: Mapping[str, Any]
    model: str | None


@dataclass(frozen=True)
class Prepared:
    """What several searches share: what they are about, and what trains their networks."""

    problem: Problem
    evaluator: Evaluator


def run_search(
    config: SearchConfig,
    progress: Progress | None = None,
    *,
    dataset: Dataset | None = None,
    own_objectives: OwnFunctions | None = None,
    prepared: Prepared | None = None,
) -> SearchResult:
    """Search as configured: `haemsa search`.

    Args:
        config: The settings, as `SearchConfig.of({...})` makes them.
        progress: Shows how the search stands. None: nothing is shown.
        dataset: The data, in place of the setting `data`. What comes after the search needs it again.
        own_objectives: Functions `cost(predictions, labels, genome)` that are objectives too, each with "min" or "max",
            by name (docs/objectives.md). They come after the setting `objectives`, unless that names them.
        prepared: What the settings mean, if that is made already. None: it is made here.

    Returns:
        The run directory and the summary, also of a search that Ctrl-C ended.

    Raises:
        ValueError: Before any training, for settings or data that do not fit.
        OSError: If the disk is full. What was recorded is safe.

    Example:
        >>> from haemsa import SearchConfig, run_search
        >>> config = SearchConfig.of({"data": "planted", "evaluations": 120})
        >>> result = run_search(config)  # doctest: +SKIP
        >>> result.summary["best"]["scores"]  # doctest: +SKIP
    """
    show = lasting(progress)
    check_one(config.data, dataset)
    if dataset is not None:
        config = config.model_copy(update={"name": config.name or dataset.name})
    config = kept(config, store_to_keep(config.tracking), experiment_asked_for(config.experiment))
    problem = prepared.problem if prepared else Problem.of(config, dataset, own_objectives)
    if own_objectives:
        config = config.model_copy(update={"objectives": problem.references()})
    start = WarmStart.read(config.start, problem.space, config.tracking)
    with vacant(config.run, config.title) as path:
        check_kept(path, store_of(config.tracking))
        facts = manifest(
            data=config.data or f"{problem.pool.name}, {FROM_PYTHON}",
            fingerprint=problem.fingerprint,
            seed=config.seed,
            device=device_of(config),
            objectives=dict(problem.objectives),
            constant={name: fmean(folds) for name, folds in problem.constants.items()},
            validation=problem.folds.kind,
            **digests(problem),
            notes=list(problem.pool.notes),
            id=uuid.uuid4().hex,
            run=str(path.resolve()),
            **({"start": start.found} if start.found else {}),
        )
        with _evaluator(config, problem, prepared, show) as evaluator:
            sized = sized_config(config, problem, evaluator)
            with RunDirectory.create(path, sized, facts) as run:
                return _search(sized, problem, run, evaluator, show, start)


def resume_search(
    path: Path,
    progress: Progress | None = None,
    changes: Mapping[str, Any] | None = None,
    *,
    dataset: Dataset | None = None,
    own_objectives: OwnFunctions | None = None,
    prepared: Prepared | None = None,
) -> SearchResult:
    """Continue the search in a run directory: `haemsa search --resume`.

    Args:
        path: The run directory.
        progress: Shows how the search stands. None: nothing is shown.
        changes: Settings by name that differ from now on (cluster/search/resume.py says which may). None: none.
        dataset: The data, if it was given from Python.
        own_objectives: The functions that were given to `run_search`.
        prepared: As for `run_search`.

    Returns:
        The result of the whole search. A search that has ended is returned as it is, unless its budget grew.

    Raises:
        ValueError: If there is no search, if it is in use, if its data has changed, or for settings that cannot change.
        OSError: If the disk is full. What was recorded is safe.

    Example:
        >>> resume_search(Path("runs/planted"), changes={"evaluations": 144})  # doctest: +SKIP
    """
    show = lasting(progress)
    with RunDirectory.open(path) as run:
        summary, before = run.summary(), run.config()
        config = changed(before, changes or {}, path)
        config = kept(config, store_to_keep(config.tracking), config.experiment)
        check_kept(path, store_of(config.tracking))
        if summary is not None and summary.get("ended_by") != "interrupted" and not has_more(config, before):
            show.note(f"the search in {path} has ended: {summary['evaluations']} evaluations")
            send_rest(run, config.tracking, show)
            summary = run.summary() or summary  # with the model's address, if MLflow has taken the model only now
            return SearchResult(path, summary, summary.get("model"))
        check_evaluations(config, before, run.journal.counts(), path)
        if dataset is None and prepared is None:
            check_known(config.data, f"the search in {path}")
        problem = prepared.problem if prepared else Problem.of(config, dataset, own_objectives)
        facts = run.manifest()
        for line in changed_objectives(problem, facts):
            show.note(line)
        begun_with = facts.get("fingerprint")
        if begun_with != problem.fingerprint:
            data = config.data or problem.pool.name
            raise ValueError(f"data {data} has fingerprint {problem.fingerprint}, the search began with {begun_with}")
        begun = bool(run.journal.state())
        start = WarmStart.read([] if begun else config.start, problem.space, config.tracking)
        with _evaluator(config, problem, prepared, show) as evaluator:
            sized = sized_config(config, problem, evaluator)
            run.reopen(sized)
            return _search(sized, problem, run, evaluator, show, start)


def _evaluator(
    config: SearchConfig, problem: Problem, prepared: Prepared | None, progress: Progress
) -> AbstractContextManager[Evaluator]:
    """What trains the networks of a search. What it shares with others is not closed."""
    if prepared:
        return nullcontext(prepared.evaluator)
    return evaluator_for(config, worker_data(config, problem), progress)


def _search(
    config: SearchConfig, problem: Problem, run: RunDirectory, evaluator: Evaluator, progress: Progress,
    start: WarmStart,
) -> SearchResult:  # fmt: skip
    """Search, confirm the front, and finish."""
    name = config.title
    scored = describe_validation(problem.folds, problem.pool, config.validation)
    warning = network_warning(run.path)
    notes = [*([warning] if warning else []), *(f"note: {note}" for note in problem.pool.notes), *start.notes()]
    with interruptible(), _stopped_by_disk(run.path), run.logged():  # the log may not fit either
        for line in (*notes, scored, f"run directory: {run.path}"):
            progress.note(line)
        follow, facts = tracker(config.tracking, run), run.manifest()
        follow.started(SearchStarted(
            name, problem.pool.name, problem.fingerprint, config.model_dump(), problem.objectives, facts,
            facts.get("id", str(run.path.resolve())), problem.described, described(config, evaluator), time.time(),
        ))  # fmt: skip
        driver = Driver(
            config,
            evolution_of(config, problem, run, start.genomes),
            evaluator,
            run,
            follow,
            progress,
            problem.size,
            simpler=problem.space.without_each_modality,
            confirmation=Confirmation.of(problem, evaluator),
            before=float(run.journal.state().get("seconds", 0.0)),
        )
        ended_by = driver.run()
        outcome, ended_by = _confirmed(driver, ended_by)
        summary = finish(driver, problem, worker_data(config, problem), run, follow, name, ended_by, outcome)
        waiting, address = follow.close()
        if address != summary["model"]:  # MLflow took the model only now
            summary["model"] = address
            run.write_summary(summary)
        if waiting:
            log.warning("MLflow has not taken %d records: haemsa sync %s sends them", waiting, run.path)
        return SearchResult(run.path, summary, summary["model"])


@contextmanager
def _stopped_by_disk(path: Path) -> Iterator[None]:
    """If the disk is full or read-only, the search ends with a sentence that says how to go on."""
    try:
        yield
    except OSError as error:
        raise OSError(f"{error}; what was recorded is safe, go on with haemsa search --resume {path}") from error


def _confirmed(driver: Driver, ended_by: str) -> tuple[SearchOutcome, str]:
    """The front, confirmed unless the search was or is interrupted; and why the search ended."""
    if ended_by != "interrupted":
        try:
            return confirm_front(driver), ended_by
        except KeyboardInterrupt:
            log.warning("interrupted: the front is not confirmed")
    return unconfirmed(driver), "interrupted"

"""A search over any space with any evaluation function. Driver, workers and journal are those for networks."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, cast

import numpy as np

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.manifest import manifest
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.custom_genomes import Coded, CodedSpace, Evaluate, as_it_is, one_by_one, tuples
from haemsa.cluster.search.driver import Driver
from haemsa.cluster.search.evolution import new_evolution
from haemsa.cluster.search.sizing import POPULATION
from haemsa.cluster.shared.interrupt import interruptible
from haemsa.cluster.shared.progress import Progress, lasting
from haemsa.cluster.tracking.tracker import NullTracker
from haemsa.cluster.workers.evaluator import Evaluator, InlineEvaluator
from haemsa.cluster.workers.factory import ray_workers
from haemsa.evo.candidate import Evaluated, Failed, G
from haemsa.evo.evolution import Evolution
from haemsa.evo.objectives import Direction
from haemsa.evo.rungs import single
from haemsa.evo.space import Space

SETTINGS: Final = (
    "evaluations", "time", "patience", "population", "mode", "seed", "workers", "backend", "address",
    "address_timeout", "gpus_per_worker", "resources", "node_labels", "node_timeout", "candidate_time",
    "memory_per_worker",
)  # fmt: skip
"""The settings of `SearchConfig` that concern neither data nor networks."""


@dataclass(frozen=True)
class CustomResult(Generic[G]):
    """What a custom search found: its front, best first objective first, all that was evaluated, and all that failed.

    `hypervolume`: how much the front dominates, from 0 to 1: its share of the region between the best of each objective
    and a point beyond the worst that was seen. `ended_by`: the budget that was spent, "space exhausted", or
    "interrupted".
    """

    front: list[Evaluated[G]]
    evaluated: list[Evaluated[G]]
    failed: list[Failed[G]]
    hypervolume: float
    ended_by: str


def search_custom(
    space: Space[G],
    objectives: Mapping[str, Direction],
    evaluate: Evaluate[G],
    *,
    run: Path | str | None = None,
    encode: Callable[[G], Any] = as_it_is,
    decode: Callable[[Any], G] = tuples,
    progress: Progress | None = None,
    **settings: Any,
) -> CustomResult[G]:
    """Search your own space with your own evaluation function.

    `evaluate` runs on Ray workers, or with `backend="inline"` in this process. Ray sends functions of a notebook or a
    script by value, and imports others on the workers. An evaluation that raises, or that kills its worker, is a
    failure and costs the search nothing else.

    Args:
        space: How genomes are drawn, changed and told apart.
        objectives: "min" or "max" by name.
        evaluate: Gives a number or a `Score` for each objective of a genome. It may give more.
        run: A run directory to record in. A search that is there goes on, also with more `evaluations`. None: nothing
            is kept.
        encode: Makes a JSON value of a genome, for the journal. By default the genome is one.
        decode: Makes the genome of that value again. By default lists become tuples.
        progress: Shows how the search stands. None: nothing is shown.
        settings: Any of `SETTINGS`, as `SearchConfig` has them, for example `evaluations=400, workers=4, seed=1`.

    Raises:
        ValueError: For settings out of range, genomes that do not come back from their JSON, an objective without a
            score, or a run directory that holds another search.

    Example:
        >>> class Line:
        ...     def sample(self, rng):
        ...         return (float(rng.random()),)
        ...     def mutate(self, genome, rng):
        ...         return (min(1.0, max(0.0, genome[0] + float(rng.normal(0, 0.1)))),)
        ...     def crossover(self, a, b, rng):
        ...         return a, b
        ...     def key(self, genome):
        ...         return repr(genome)
        >>> result = search_custom(
        ...     Line(), {"error": "min"}, lambda x: {"error": (x[0] - 0.5) ** 2},
        ...     evaluations=40, population=8, backend="inline",
        ... )
        >>> result.ended_by, abs(result.front[0].genome[0] - 0.5) < 0.1
        ('evaluations', True)
    """
    show = lasting(progress)
    config, coded = _config(settings), CodedSpace(space, encode, decode)
    coded.check(np.random.default_rng(config.seed))
    # the space itself knows how often it crosses
    evolution = new_evolution(config, cast(Any, coded), objectives, single(), crossover=1.0)
    with _directory(run, config) as directory, _evaluator(config, evaluate, show) as evaluator:
        state = directory.journal.state()
        if state:
            rows = (row.for_evolution() for row in directory.journal.rows())
            evolution.load_state_dict(state["evolution"], cast(Any, coded.from_json), rows)
            directory.reopen(config)
        driver = Driver(
            config,
            evolution,
            evaluator,
            directory,
            NullTracker(),
            show,
            lambda _: 0.0,  # what an evaluation costs is not known
            before=float(state.get("seconds", 0.0)),
        )
        with interruptible(), directory.logged():
            ended_by = driver.run()
    return _result(cast(Evolution[Coded[G]], evolution), ended_by)


def _config(settings: Mapping[str, Any]) -> SearchConfig:
    """The settings, checked. A cohort has one genome."""
    for name in settings:
        if name not in SETTINGS:
            raise ValueError(f"setting {name!r} is not one of a custom search, expected one of {', '.join(SETTINGS)}")
    population = settings.get("population", "auto")
    size = POPULATION if population == "auto" else population
    return SearchConfig.of({**settings, "data": "custom", "cohort": 1, "population": size, "confirm": 0})


@contextmanager
def _evaluator(config: SearchConfig, evaluate: Evaluate[Any], progress: Progress) -> Iterator[Evaluator]:
    if config.backend == "inline":
        yield InlineEvaluator(one_by_one(evaluate))
        return
    with ray_workers(config, lambda _: one_by_one, evaluate, progress) as evaluator:
        yield evaluator


@contextmanager
def _directory(run: Path | str | None, config: SearchConfig) -> Iterator[RunDirectory]:
    """The run directory at `run`, opened if it exists. None: one that is removed when the search ends."""
    if run is None:
        with tempfile.TemporaryDirectory() as folder, _directory(Path(folder) / "run", config) as directory:
            yield directory
        return
    path = Path(run)
    if (path / "journal.sqlite").exists():
        with RunDirectory.open(path) as directory:
            yield directory
        return
    with RunDirectory.create(path, config, manifest(seed=config.seed)) as directory:
        yield directory


def _result(evolution: Evolution[Coded[G]], ended_by: str) -> CustomResult[G]:
    """The result, with the genomes as the space has them."""

    def plain(item: Evaluated[Coded[G]]) -> Evaluated[G]:
        return Evaluated(item.id, item.genome.value, item.parents, item.scores, item.rung)

    archive = evolution.archive
    return CustomResult(
        front=[plain(item) for item in evolution.front()],
        evaluated=[plain(item) for item in archive.evaluated.values()],
        failed=[Failed(item.id, item.genome.value, item.parents, item.failure) for item in archive.failed.values()],
        hypervolume=evolution.covered(),
        ended_by=ended_by,
    )

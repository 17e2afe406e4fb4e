"""A whole search by the real driver, with its journal, on a simulated cluster: what it found, and what it took."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.confirmation import Confirmation
from haemsa.cluster.search.driver import Driver
from haemsa.cluster.search.evolution import new_evolution
from haemsa.cluster.search.finish import confirm_front
from haemsa.cluster.search.sizing import fit_sizes
from haemsa.cluster.shared.progress import SilentProgress, Status
from haemsa.cluster.tracking.tracker import NullTracker
from haemsa.cluster.workers.evaluator import Evaluator
from haemsa.evo.evolution import Evolution
from haemsa.evo.rungs import Ladder, ladder, single
from haemsa.model.spec.genome import Genome
from tests.bench.driver.simulated import Nodes, SimulatedCluster, Usage
from tests.bench.evolution import synthetic

FOLDS: Final = 5


@dataclass(frozen=True)
class Setting:
    """One simulated search. `population` None: as the search sizes it; `seconds`: of one network's whole training."""

    workers: int
    evaluations: int
    mode: Literal["steady", "generational"] = "steady"
    cohort: int = 4
    population: int | None = None
    rungs: bool = False
    failing: float = 0.0
    nodes: Nodes | None = None
    seconds: float = 60.0
    charged: float = 0.0
    seed: int = 0

    def config(self, rungs: Ladder) -> SearchConfig:
        """The search's settings."""
        given: dict[str, Any] = {"data": "planted", "evaluations": self.evaluations, "mode": self.mode}
        config = SearchConfig.of({**given, "seed": self.seed, "cohort": self.cohort, "rungs": self.rungs})
        population = self.population or fit_sizes(config, rungs, self.workers).population
        if self.mode == "generational":  # one that gives every worker a cohort
            population = max(population, self.workers * self.cohort)
        return config.model_copy(update={"population": population})


@dataclass(frozen=True)
class Outcome:
    """What came of it. `trace`: (evaluations, virtual seconds, hypervolume) each time that the front changed."""

    cluster: SimulatedCluster
    evolution: Evolution[Genome]
    search: Driver
    statuses: Mapping[str, int]
    real_seconds: float
    cpu_seconds: float
    usage: Usage
    """Up to the last result of the search. What confirms candidates meanwhile counts too."""
    until_last_submit: Usage
    """The same, up to the last submission of the search."""
    ended: float
    """Virtual seconds until then. The cluster's own go on until the front is confirmed."""
    trace: list[tuple[int, float, float]] = field(default_factory=list)

    @property
    def driver_ms(self) -> float:
        """Real milliseconds per evaluation that the driver took, journal included, simulation aside."""
        return 1e3 * self.real_seconds / max(1, len(self.evolution.archive))

    @property
    def driver_cpu_ms(self) -> float:
        """The same in processor time, which a busy machine does not change."""
        return 1e3 * self.cpu_seconds / max(1, len(self.evolution.archive))

    def reached(self, volume: float) -> tuple[int, float] | None:
        """Evaluations and virtual seconds until the front had this hypervolume; None if it never had."""
        return next(((count, seconds) for count, seconds, found in self.trace if found >= volume), None)


class Watch(SilentProgress):
    """Follows the front's true hypervolume; what that takes is not the driver's."""

    def __init__(self, evolution: Evolution[Genome], now: Callable[[], float]) -> None:
        self.trace: list[tuple[int, float, float]] = []
        self.spent = self.cpu_spent = 0.0
        self._evolution, self._now, self._front = evolution, now, [-1]

    def update(self, status: Status) -> None:
        start, cpu = time.perf_counter(), time.process_time()
        front = self._evolution.front()
        ids = [item.id for item in front]
        if ids != self._front:
            self._front = ids
            volume = synthetic.hypervolume([item.genome for item in front])
            self.trace.append((status.evaluations, self._now(), volume))
        self.spent += time.perf_counter() - start
        self.cpu_spent += time.process_time() - cpu


def simulate(setting: Setting) -> Outcome:
    """Run it in a temporary folder."""
    rungs = ladder(3, max(synthetic.BOUNDS.epochs), FOLDS) if setting.rungs else single()
    cluster = SimulatedCluster(
        setting.workers,
        synthetic.scores,
        seconds=setting.seconds,
        failing=setting.failing,
        nodes=setting.nodes,
        charged=setting.charged,
        seed=setting.seed,
    )
    with driving(setting.config(rungs), rungs, cluster, now=cluster.now) as search:
        watch = Watch(search.evolution, cluster.now)
        search.progress = watch
        start, cpu = time.perf_counter(), time.process_time()
        search.run()
        aside = cluster.spent + watch.spent
        real, cpu = time.perf_counter() - start - aside, time.process_time() - cpu - cluster.cpu_spent - watch.cpu_spent
        usage, until_last, ended = replace(cluster.usage), cluster.until_last_submit, cluster.time
        confirm_front(search)
        statuses = search.run_directory.journal.counts()
    return Outcome(cluster, search.evolution, search, statuses, real, cpu, usage, until_last, ended, watch.trace)


@contextmanager
def driving(
    config: SearchConfig, rungs: Ladder, evaluator: Evaluator, now: Callable[[], float] = time.perf_counter
) -> Iterator[Driver]:
    """A search of the made-up problem, with its run directory in a temporary folder."""
    space = synthetic.space()
    evolution = new_evolution(config, space, synthetic.OBJECTIVES, rungs)
    with tempfile.TemporaryDirectory() as folder, RunDirectory.create(Path(folder) / "run", config, {}) as run:
        yield Driver(
            config,
            evolution,
            evaluator,
            run,
            NullTracker(),
            SilentProgress(),
            synthetic.size,
            simpler=space.without_each_modality,
            confirmation=Confirmation(evaluator, FOLDS, synthetic.size),
            now=now,
        )

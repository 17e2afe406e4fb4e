"""The search driver on its own: made-up scores, pretended workers, and everything that it wrote or said."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.confirmation import Confirmation
from haemsa.cluster.search.driver import Driver
from haemsa.cluster.search.evolution import new_evolution
from haemsa.cluster.shared.progress import SilentProgress, Status
from haemsa.cluster.workers.evaluator import Evaluator, Finished, InlineEvaluator, JobBatch, TrainCohort
from haemsa.cluster.workers.job import Result
from haemsa.evo.expert_space.bounds import Bounds
from haemsa.evo.expert_space.space import ExpertSpace
from haemsa.evo.rungs import ladder, single
from haemsa.model.cost import cost
from haemsa.model.spec.genome import Genome
from tests.support.cluster.memory_tracker import MemoryTracker
from tests.support.cluster.trainers import SCHEMA, instant

LADDER = ladder(3, 24, 3)
"""Three epochs, nine, all of them; three folds, twice and three times."""


class Driven:
    """A search in a run directory, and everything around it. Opening it again goes on with it, as a restart would."""

    def __init__(
        self,
        path: Path,
        evaluator: Evaluator | TrainCohort,
        *,
        before: float = 0.0,
        confirmation: Confirmation | None = None,
        **settings: Any,
    ) -> None:
        given = {"data": "planted", "evaluations": 24, "population": 8, "cohort": 3, "seed": 1, "rungs": False}
        given |= settings
        config = SearchConfig.of({key: value for key, value in given.items() if value is not None})
        space = ExpertSpace(
            tuple(SCHEMA.modalities),
            steps={name: steps for name, (steps, _) in SCHEMA.modalities.items()},
            bounds=Bounds.from_dict(config.space),
            cost=lambda network: cost(network, SCHEMA),
        )
        rungs = LADDER if config.rungs else single()
        self.evolution = new_evolution(config, space, {"mae": "min", "params": "min"}, rungs)
        self.run = RunDirectory.open(path) if path.exists() else RunDirectory.create(path, config, {})
        state = self.run.journal.state()
        if state:
            rows = (row.for_evolution() for row in self.run.journal.rows())
            self.evolution.load_state_dict(state["evolution"], Genome.from_json, rows)
        self.tracker, self.statuses = MemoryTracker(), Statuses()
        evaluator = InlineEvaluator(evaluator) if callable(evaluator) else evaluator
        self.search = Driver(
            config,
            self.evolution,
            evaluator,
            self.run,
            self.tracker,
            self.statuses,
            self._size,
            confirmation=confirmation,
            before=before,
        )

    def __enter__(self) -> Driven:
        return self

    def __exit__(self, *_: object) -> None:
        self.run.close()

    def _size(self, genome: Genome) -> float:
        return cost(genome.network, SCHEMA)["flops"] * genome.training.epochs

    def front(self) -> list[tuple[int, float, float]]:
        return [(item.id, item.scores["mae"].mean, item.scores["params"].mean) for item in self.evolution.front()]

    def weights_kept(self) -> set[int]:
        return {number for number, _ in self.run.states.kept()}


class Statuses(SilentProgress):
    """Keeps every status."""

    def __init__(self) -> None:
        self.seen: list[Status] = []

    def update(self, status: Status) -> None:
        self.seen.append(status)


class Workers:
    """Pretended workers that end in random order; notes how many were without work whenever one is waited for."""

    def __init__(self, workers: int, seed: int = 0) -> None:
        self.workers, self.expected, self.left, self._random = workers, workers, 0, random.Random(seed)
        self._running: list[JobBatch] = []
        self._queue: deque[JobBatch] = deque()
        self.idle_while_waiting: list[int] = []

    @property
    def free(self) -> int:
        return max(0, self.workers - len(self._running) - len(self._queue))

    @property
    def pending(self) -> int:
        return len(self._running) + len(self._queue)

    def submit(self, cohort: JobBatch) -> None:
        self._queue.append(cohort)
        self._start()

    def collect(self, timeout: float | None = None) -> list[Finished]:
        self.idle_while_waiting.append(self.workers - len(self._running))
        ended = self._running.pop(self._random.randrange(len(self._running)))
        self._start()
        results = instant(ended)
        self._random.shuffle(results)
        return [Finished(results, "pretended", 0.001)]

    def take_back(self, times: float, may: Callable[[JobBatch], bool]) -> JobBatch | None:
        return None

    def fastest_cohort(self, genomes: object) -> None:
        return None

    def close(self) -> None:
        self._queue.clear()

    def _start(self) -> None:
        while self._queue and len(self._running) < self.workers:
            self._running.append(self._queue.popleft())


def counting(train: TrainCohort, seen: list[list[int]], stop_at: int | None = None) -> TrainCohort:
    """Notes the ids of every cohort; at the cohort of that number, the user presses Ctrl-C."""

    def trained(cohort: JobBatch) -> list[Result]:
        if len(seen) == stop_at:
            raise KeyboardInterrupt
        seen.append([item.id for item in cohort])
        return train(cohort)

    return trained

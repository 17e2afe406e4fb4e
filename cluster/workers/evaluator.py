"""Evaluators: cohorts of jobs go in, and their results come out in the order in which workers finish."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from haemsa.cluster.workers.job import Job, Result
from haemsa.evo.candidate import Failure, FailureKind
from haemsa.model.errors import error_line
from haemsa.model.spec.genome import Genome

JobBatch = Sequence[Job]
TrainCohort = Callable[[JobBatch], list[Result]]
"""What a worker does with a cohort; `haemsa.cluster.workers.cohort_trainer.CohortTrainer` is the real one."""


@dataclass(frozen=True)
class Finished:
    """The results of a cohort in the order of its jobs, the worker that trained it, and the seconds that it took."""

    results: list[Result]
    worker: str
    seconds: float


class Capacity(Protocol):
    """How much work can be done at a time, and how much there is. A piece of work is a cohort, or another task."""

    @property
    def workers(self) -> int:
        """Workers that are there, and those that start. Where nodes are to come, only those that have their cores."""

    @property
    def expected(self) -> int:
        """Workers once all nodes that are asked for have come."""

    @property
    def left(self) -> int:
        """Nodes that have left with workers."""

    @property
    def free(self) -> int:
        """Pieces of work that would start immediately. Of workers that wait for nodes, only the first counts."""

    @property
    def pending(self) -> int:
        """Pieces of work that wait or run, or whose end was not taken yet."""


class Evaluator(Capacity, Protocol):
    """Trains cohorts somewhere. Every job submitted comes back exactly once."""

    def submit(self, cohort: JobBatch) -> None:
        """Queue a cohort; never blocks."""

    def collect(self, timeout: float | None = None) -> list[Finished]:
        """Wait until a cohort ends, at most `timeout` seconds. Empty after that, and if none is pending."""

    def take_back(self, times: float, may: Callable[[JobBatch], bool]) -> JobBatch | None:
        """Take back a cohort that trains more than `times` as long as usual, if it `may` be. It never ends then.

        Its worker is free, or another one comes in its place. None: there is no such cohort.
        """

    def fastest_cohort(self, genomes: Sequence[Genome]) -> int | None:
        """How many such networks a worker trains fastest together. It is measured there; None if it cannot be."""

    def close(self) -> None:
        """Stop the workers. What was not collected is lost."""


class InlineEvaluator:
    """Trains in this process, one cohort per call of `collect`."""

    workers = expected = 1
    left = 0

    def __init__(self, train: TrainCohort) -> None:
        self._train = train
        self._queue: deque[JobBatch] = deque()

    @property
    def free(self) -> int:
        """One while nothing waits."""
        return 0 if self._queue else 1

    @property
    def pending(self) -> int:
        """Cohorts that wait."""
        return len(self._queue)

    def submit(self, cohort: JobBatch) -> None:
        """Queue a cohort."""
        self._queue.append(cohort)

    def collect(self, timeout: float | None = None) -> list[Finished]:  # noqa: ARG002
        """Train the next cohort."""
        if not self._queue:
            return []
        cohort, start = self._queue.popleft(), time.perf_counter()
        try:
            results = self._train(cohort)
        except Exception as error:
            results = failed(cohort, "error", error_line(error))
        return [Finished(results, "inline", time.perf_counter() - start)]

    def take_back(self, times: float, may: Callable[[JobBatch], bool]) -> JobBatch | None:  # noqa: ARG002
        """Nothing: while this process trains, nobody asks."""
        return None

    def fastest_cohort(self, genomes: Sequence[Genome]) -> int | None:
        """Measure it here."""
        return measure(self._train, genomes)

    def close(self) -> None:
        """Forget what waits."""
        self._queue.clear()


def measure(train: TrainCohort, genomes: Sequence[Genome]) -> int | None:
    """The fastest cohort size by `train.fastest_cohort`, if `train` has that."""
    fastest: Callable[[Sequence[Genome]], int] | None = getattr(train, "fastest_cohort", None)
    return None if fastest is None else fastest(genomes)


def failed(cohort: JobBatch, kind: FailureKind, message: str) -> list[Result]:
    """The results of a cohort that failed as a whole."""
    return [Result(job.id, Failure(kind, message), purpose=job.purpose) for job in cohort]

"""Training on Ray. Workers train cohorts; they may die, hang, or come and go with their nodes (`worker_pool`)."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import ray
from ray.exceptions import RayError

from haemsa.cluster.workers.elastic.crew import Crew
from haemsa.cluster.workers.elastic.metrics import SearchMetrics
from haemsa.cluster.workers.evaluator import Finished, JobBatch, TrainCohort, failed
from haemsa.cluster.workers.limits import TimeLimit
from haemsa.cluster.workers.tasks.dispatch import Dispatcher, Dispatching, Ended, Task
from haemsa.cluster.workers.worker_pool import STEP
from haemsa.model.errors import error_line
from haemsa.model.spec.genome import Genome

log = logging.getLogger(__name__)
TRIES: Final = 2
"""A cohort may lose so many workers. Then its candidates run alone, each once."""
LONGEST_MEASUREMENT: Final = 60.0
"""Seconds that workers may take to measure the fastest cohort."""


class RayEvaluator:
    """Trains cohorts on Ray actors.

    A worker that dies or hangs is replaced where there is room, and its cohort runs again. After `TRIES` deaths the
    candidates of the cohort run alone. A candidate whose worker then dies again has failed. If a node leaves, no
    candidate is blamed.

    Args:
        tasks: Gives cohorts to workers. Each of them has what trains.
        name: The name of the search.
        limit: Seconds that a candidate may train. None: see `TimeLimit`.
    """

    def __init__(self, tasks: Dispatching, name: str, *, limit: float | None = None) -> None:
        self._tasks, self._metrics, self._limit = tasks, SearchMetrics(name), TimeLimit(limit)

    @classmethod
    def of(
        cls, make: Callable[[Any], TrainCohort], data: Any, crew: Crew, *, limit: float | None = None
    ) -> RayEvaluator:
        """With workers of its own. `make` is called with `data` once in each of them, and gives what trains there."""
        return cls(Dispatcher.of(make, data, crew), crew.name, limit=limit)

    @property
    def workers(self) -> int:
        """Workers that are there, and those that start. Where nodes are to come, only those that have their cores."""
        return self._tasks.workers

    @property
    def expected(self) -> int:
        """Workers once all nodes that are asked for have come."""
        return self._tasks.expected

    @property
    def left(self) -> int:
        """Nodes that have left with workers."""
        return self._tasks.left

    @property
    def free(self) -> int:
        """Workers for which no cohort waits. Of workers that wait for nodes, only the first counts."""
        return self._tasks.free

    @property
    def pending(self) -> int:
        """Cohorts that wait or run."""
        return self._tasks.pending

    def submit(self, cohort: JobBatch) -> None:
        """Give the cohort to an idle worker, or queue it."""
        self._tasks.waiting.append(Task(cohort, _candidates(cohort)))
        self._tasks.give()

    def collect(self, timeout: float | None = None) -> list[Finished]:
        """Wait until a cohort ends, and take all that have ended by then."""
        end = None if timeout is None else time.monotonic() + timeout
        finished: list[Finished] = []
        while self.pending and not finished:
            seconds = STEP if end is None else max(0.0, min(STEP, end - time.monotonic()))
            for ended in self._tasks.ended(seconds):
                finished += self._finish(ended)
            finished += self._stop_overdue()
            self._tasks.give()
            self._tell(finished)
            if end is not None and time.monotonic() >= end:
                break
        return finished

    def take_back(self, times: float, may: Callable[[JobBatch], bool]) -> JobBatch | None:
        """Take back a cohort that trains more than `times` as long as usual. Its worker is stopped, and replaced."""
        for task in self._tasks.running():
            cohort: JobBatch = task.payload
            seconds = time.monotonic() - task.began
            if seconds > times * self._limit.usual(cohort) and may(cohort):
                self._tasks.stop(task, "timeout", f"after {seconds:.0f} seconds others take over, which are free")
                return cohort
        return None

    def fastest_cohort(self, genomes: Sequence[Genome]) -> int | None:
        """The median of what all started workers measure. They measure at once, as they will share their cores."""
        references = [actor.fastest_cohort.remote(genomes) for actor in self._tasks.idle_actors()]
        try:
            measured: list[int | None] = ray.get(references, timeout=LONGEST_MEASUREMENT)
        except RayError as error:
            log.warning("no cohort size was measured: %s", error_line(error))
            return None
        sizes = [size for size in measured if size is not None]
        return statistics.median_low(sizes) if sizes else None

    def close(self) -> None:
        """Stop the workers; the cluster stays."""
        self._metrics.tell(last=True, workers=0, busy=0, waiting=0)
        self._tasks.close()

    def _tell(self, finished: list[Finished]) -> None:
        """Tell Ray how the search stands."""
        waiting = len(self._tasks.waiting)
        self._metrics.ended(finished)
        self._metrics.tell(workers=self.workers, busy=self._tasks.pending - waiting, waiting=waiting)

    def _finish(self, ended: Ended) -> list[Finished]:
        """The results of a cohort. None if its worker died and the cohort runs again."""
        cohort = ended.task.payload
        if ended.lost is not None:
            return self._again(ended)
        if ended.error is not None:
            return [Finished(failed(cohort, "error", error_line(ended.error)), ended.worker, 0.0)]
        self._limit.learn(ended.seconds, cohort)
        return [Finished(ended.result, ended.worker, ended.seconds)]

    def _stop_overdue(self) -> list[Finished]:
        """Stop workers whose cohort takes longer than its candidates may."""
        finished: list[Finished] = []
        for task in self._tasks.running():
            seconds = self._limit.seconds(task.payload)
            if time.monotonic() - task.began > seconds:
                task.losses = max(task.losses, TRIES - 1)
                finished += self._finish(self._tasks.stop(task, "timeout", f"it took more than {seconds:g} seconds"))
        return finished

    def _again(self, ended: Ended) -> list[Finished]:
        """A worker is gone: its cohort runs again, or in parts, or has failed."""
        task, kind = ended.task, ended.lost or "crash"
        if task.losses < TRIES:
            log.log(logging.INFO if ended.left else logging.WARNING, "%s run again", task.name)
            self._tasks.waiting.appendleft(task)
            return []
        if len(task.payload) > 1:
            log.warning("%s run again, each alone: one of them may stop its worker", task.name)
            alone = ([job] for job in reversed(task.payload))
            self._tasks.waiting.extendleft(Task(jobs, _candidates(jobs), TRIES - 1) for jobs in alone)
            return []
        why = f"its worker died, as others had that trained it: {ended.why}" if kind == "crash" else ended.why
        return [Finished(failed(task.payload, kind, why), ended.worker, 0.0)]


def _candidates(cohort: JobBatch) -> str:
    return "candidates " + ", ".join(str(job.id) for job in cohort)

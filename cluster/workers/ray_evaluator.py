"""Training on Ray. Workers train cohorts; they may die, hang, or come and go with their nodes (`worker_pool`)."""

from __future__ import annotations

import logging
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import ray
from ray.exceptions import ActorUnavailableError, OutOfMemoryError, RayActorError, RayError, RayTaskError

from haemsa.cluster.workers.evaluator import Finished, JobBatch, TrainCohort, failed
from haemsa.cluster.workers.limits import TimeLimit
from haemsa.cluster.workers.ray_cluster import dead_nodes
from haemsa.cluster.workers.worker_pool import STEP, WorkerPool
from haemsa.evo.candidate import FailureKind
from haemsa.model.errors import error_line
from haemsa.model.spec.genome import Genome

log = logging.getLogger(__name__)
TRIES: Final = 2
"""A cohort may lose so many workers. Then its candidates run alone, each once."""
MOST_LEFT: Final = 10
"""So many nodes may leave while they train a cohort. After that the cohort is to blame."""
LONGEST_MEASUREMENT: Final = 60.0
"""Seconds that workers may take to measure the fastest cohort."""


@dataclass
class _Task:
    """A cohort that waits or runs. `losses`: workers that died with it; `left`: nodes that left with it."""

    cohort: JobBatch
    losses: int = 0
    left: int = 0
    began: float = 0.0


class RayEvaluator:
    """Trains cohorts on Ray actors.

    A worker that dies or hangs is replaced where there is room, and its cohort runs again. After `TRIES` deaths the
    candidates of the cohort run alone. A candidate whose worker then dies again has failed. If a node leaves, no
    candidate is blamed.

    Args:
        make: Is called with `data` once in each worker, and gives what trains a cohort there.
        data: What every worker gets.
        workers: How many workers; None: as many as the cluster has room for, as its nodes come and go.
        gpus: GPUs of a worker; also a fraction.
        cpus: Cores of a worker.
        limit: Seconds that a candidate may train. None: see `TimeLimit`.
        memory: Bytes that a worker may take. None: no limit.
    """

    def __init__(
        self,
        make: Callable[[Any], TrainCohort],
        data: Any,
        workers: int | None,
        *,
        gpus: float = 0.0,
        cpus: float = 1.0,
        limit: float | None = None,
        memory: float | None = None,
    ) -> None:
        self._pool = WorkerPool(make, data, workers, gpus=gpus, cpus=cpus, memory=memory)
        self._limit = TimeLimit(limit)
        self._queue: deque[_Task] = deque()
        self._running: dict[Any, tuple[str, _Task]] = {}

    @property
    def workers(self) -> int:
        """Workers that are there, and those that start."""
        return len(self._pool)

    @property
    def free(self) -> int:
        """Workers for which no cohort waits."""
        return max(0, len(self._pool.idle) + len(self._pool.starting) - len(self._queue))

    @property
    def pending(self) -> int:
        """Cohorts that wait or run."""
        return len(self._queue) + len(self._running)

    def submit(self, cohort: JobBatch) -> None:
        """Give the cohort to an idle worker, or queue it."""
        self._queue.append(_Task(cohort))
        self._dispatch()

    def collect(self, timeout: float | None = None) -> list[Finished]:
        """Wait until a cohort ends, and take all that have ended by then."""
        end = None if timeout is None else time.monotonic() + timeout
        finished: list[Finished] = []
        while self.pending and not finished:
            self._pool.follow_now_and_then()
            for reference in self._wait(STEP if end is None else max(0.0, min(STEP, end - time.monotonic()))):
                if reference in self._pool.starting:
                    self._pool.greet(reference)
                else:
                    finished += self._take(reference)
            finished += self._stop_overdue()
            self._dispatch()
            if end is not None and time.monotonic() >= end:
                break
        return finished

    def fastest_cohort(self, genomes: Sequence[Genome]) -> int | None:
        """The median of what all started workers measure. They measure at once, as they will share their cores."""
        while not self._pool.idle:
            self._pool.await_start()
        references = [self._pool.actor(name).fastest_cohort.remote(genomes) for name in self._pool.idle]
        try:
            measured: list[int | None] = ray.get(references, timeout=LONGEST_MEASUREMENT)
        except RayError as error:
            log.warning("no cohort size was measured: %s", error_line(error))
            return None
        sizes = [size for size in measured if size is not None]
        return statistics.median_low(sizes) if sizes else None

    def close(self) -> None:
        """Stop the workers; the cluster stays."""
        self._pool.close()
        self._queue.clear()
        self._running.clear()

    def _dispatch(self) -> None:
        """Give waiting cohorts to idle workers."""
        while self._queue and self._pool.idle:
            task, name = self._queue.popleft(), self._pool.idle.popleft()
            task.began = time.monotonic()
            self._running[self._pool.actor(name).evaluate.remote(task.cohort)] = (name, task)

    def _wait(self, seconds: float) -> list[Any]:
        """References of what ended: the first within so many seconds, and all others that have by then."""
        references = [*self._running, *self._pool.starting]
        if not references:
            time.sleep(seconds)
            return []
        ready, _ = ray.wait(references, num_returns=1, timeout=seconds)
        more, _ = ray.wait(references, num_returns=len(references), timeout=0) if ready else ([], [])
        return list(dict.fromkeys([*ready, *more]))

    def _take(self, reference: Any) -> list[Finished]:
        """The results of a cohort. None if its worker died and the cohort runs again."""
        name, task = self._running.pop(reference)
        seconds = 0.0
        try:
            results, seconds = ray.get(reference)
            self._limit.learn(seconds, task.cohort)
        except RayActorError as error:
            away = isinstance(error, ActorUnavailableError)
            return self._lose(name, task, "crash", str(error).splitlines()[0], away=away)
        except RayTaskError as error:
            results = failed(task.cohort, "error", error_line(error.cause))
        except RayError as error:  # killed for its memory, or its node left with the results
            self._pool.kill(name)
            kind: FailureKind = "memory" if isinstance(error, OutOfMemoryError) else "crash"
            return self._lose(name, task, kind, error_line(error))
        self._pool.idle.append(name)
        return [Finished(results, name, seconds)]

    def _stop_overdue(self) -> list[Finished]:
        """Stop workers whose cohort takes longer than its candidates may."""
        finished: list[Finished] = []
        for reference, (name, task) in list(self._running.items()):
            seconds = self._limit.seconds(task.cohort)
            if time.monotonic() - task.began > seconds:
                self._running.pop(reference)
                self._pool.kill(name)
                task.losses = max(task.losses, TRIES - 1)
                finished += self._lose(name, task, "timeout", f"it took more than {seconds:g} seconds")
        return finished

    def _lose(self, name: str, task: _Task, kind: FailureKind, why: str, *, away: bool = False) -> list[Finished]:
        """A worker is gone, or its node is `away`: its cohort runs again, or in parts, or has failed."""
        node = self._pool.remove(name)
        left = away or node in dead_nodes()
        task.left += left
        task.losses += not left or task.left > MOST_LEFT
        ids = ", ".join(str(job.id) for job in task.cohort)
        what = "has left with its node" if left else "died and is replaced"
        log.warning("%s %s while it trained candidates %s: %s", name, what, ids, why)
        self._pool.follow()
        if task.losses < TRIES:
            log.warning("candidates %s run again", ids)
            self._queue.appendleft(task)
            return []
        if len(task.cohort) > 1:
            log.warning("candidates %s run again, each alone: one of them may stop its worker", ids)
            self._queue.extendleft(_Task([job], TRIES - 1) for job in reversed(task.cohort))
            return []
        message = f"its worker died, as others had that trained it: {why}" if kind == "crash" else why
        return [Finished(failed(task.cohort, kind, message), name, 0.0)]

"""Training on Ray: actors that keep the data and train cohorts; they may die, hang, or come and go with their nodes."""

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

from haemsa.cluster.workers.evaluator import Finished, JobBatch, TrainCohort, failed, measure
from haemsa.cluster.workers.job import Result
from haemsa.cluster.workers.limits import TimeLimit, limit_memory
from haemsa.cluster.workers.ray_cluster import dead_nodes, room_for
from haemsa.evo.candidate import FailureKind
from haemsa.model.errors import error_line
from haemsa.model.spec.genome import Genome

log = logging.getLogger(__name__)
TRIES: Final = 2
"""Workers that a cohort may lose before its candidates run alone, each once."""
FOLLOW: Final = 5.0
"""Seconds between looks at how many workers the cluster has room for."""
STARTS: Final = 3
"""Workers in a row that may fail to start, where no other has."""
MOST_LEFT: Final = 10
"""Nodes that may leave while they train a cohort; after that it is to blame."""
LONGEST_START: Final = 60.0
"""Seconds that the first workers are waited for, and that they may measure for."""
STEP: Final = 1.0
"""Seconds between looks at the clock while nothing ends."""


class _Actor:
    """The body of an actor: it makes what trains once, and keeps it."""

    def __init__(self, make: Callable[[Any], TrainCohort], data: Any, memory: float | None) -> None:
        limit_memory(memory)
        self._train = make(data)

    def node(self) -> str:
        return str(ray.get_runtime_context().get_node_id())

    def evaluate(self, cohort: JobBatch) -> tuple[list[Result], float]:
        start = time.perf_counter()
        results = self._train(cohort)
        return results, time.perf_counter() - start

    def fastest_cohort(self, genomes: Sequence[Genome]) -> int | None:
        return measure(self._train, genomes)


@dataclass
class _Worker:
    actor: Any
    node: str = ""


@dataclass
class _Task:
    cohort: JobBatch
    losses: int = 0
    left: int = 0
    began: float = 0.0


class RayEvaluator:
    """Cohorts on Ray actors. `make(data)` is run once in each worker and gives what trains a cohort there.

    `workers`: how many; None: as many as the cluster has room for, as its nodes come and go. `limit`: seconds that a
    candidate may train (None: see `TimeLimit`); `memory`: bytes that a worker may take.
    A worker that dies or hangs is replaced where there is room and its cohort runs again; after `TRIES` deaths its
    candidates run alone, and one whose worker dies again has failed. Nodes that leave count for no candidate.
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
        self._wanted, self._cpus, self._gpus, self._memory = workers, cpus, gpus, memory
        self._make, self._data = make, ray.put(data)
        self._actor: Any = ray.remote(num_cpus=cpus, num_gpus=gpus, max_restarts=0)(_Actor)
        self._limit = TimeLimit(limit)
        self._workers: dict[str, _Worker] = {}
        self._starting: dict[Any, str] = {}
        self._idle: deque[str] = deque()
        self._queue: deque[_Task] = deque()
        self._running: dict[Any, tuple[str, _Task]] = {}
        self._started = self._bad_starts = 0
        self._followed = 0.0
        self._follow()

    @property
    def workers(self) -> int:
        """Those that are there, and those that start."""
        return len(self._workers)

    @property
    def free(self) -> int:
        """Workers for which no cohort waits."""
        return max(0, len(self._idle) + len(self._starting) - len(self._queue))

    @property
    def pending(self) -> int:
        """Cohorts that wait or run."""
        return len(self._queue) + len(self._running)

    def submit(self, cohort: JobBatch) -> None:
        """Give the cohort to an idle worker, or queue it."""
        self._queue.append(_Task(cohort))
        self._dispatch()

    def collect(self, timeout: float | None = None) -> list[Finished]:
        """Wait until something ends, and take all that ended with it."""
        end = None if timeout is None else time.monotonic() + timeout
        found: list[Finished] = []
        while self.pending and not found:
            if time.monotonic() - self._followed > FOLLOW:
                self._follow()
            for reference in self._wait(STEP if end is None else max(0.0, min(STEP, end - time.monotonic()))):
                if reference in self._starting:
                    self._greet(reference)
                else:
                    found += self._take(reference)
            found += self._overdue()
            self._dispatch()
            if end is not None and time.monotonic() >= end:
                break
        return found

    def fastest_cohort(self, genomes: Sequence[Genome]) -> int | None:
        """Measured by all workers that have started, at once, as they will share their cores; the median of them."""
        while not self._idle:
            self._await_start()
        asked = [self._workers[name].actor.fastest_cohort.remote(genomes) for name in self._idle]
        try:
            found: list[int | None] = ray.get(asked, timeout=LONGEST_START)
        except RayError as error:
            log.warning("no cohort size was measured: %s", error_line(error))
            return None
        sizes = [size for size in found if size is not None]
        return statistics.median_low(sizes) if sizes else None

    def _await_start(self) -> None:
        """Let all workers start, or as many as have after `LONGEST_START`: others may hold what they need."""
        every = list(self._starting)
        ready, _ = ray.wait(every, num_returns=len(every), timeout=LONGEST_START) if every else ([], [])
        for reference in ready:
            self._greet(reference)
        self._follow()

    def close(self) -> None:
        """Stop the actors; the cluster stays."""
        for worker in self._workers.values():
            ray.kill(worker.actor)
        for container in (self._workers, self._starting, self._idle, self._queue, self._running):
            container.clear()

    def _follow(self) -> None:
        """Have as many workers as are wanted and the cluster has room for."""
        self._followed, before = time.monotonic(), len(self._workers)
        room = max(1, room_for(self._cpus, self._gpus))
        wanted = room if self._wanted is None else min(self._wanted, room)
        for _ in range(wanted - len(self._workers)):
            name = f"worker-{self._started}"
            self._started += 1
            actor = self._actor.remote(self._make, self._data, self._memory)
            self._workers[name] = _Worker(actor)
            self._starting[actor.node.remote()] = name
        for reference in list(self._starting)[: max(0, len(self._workers) - wanted)]:  # no room for them
            ray.kill(self._workers.pop(self._starting.pop(reference)).actor)
        if len(self._workers) != before:
            log.info("%d workers", len(self._workers))

    def _dispatch(self) -> None:
        while self._queue and self._idle:
            task, name = self._queue.popleft(), self._idle.popleft()
            task.began = time.monotonic()
            self._running[self._workers[name].actor.evaluate.remote(task.cohort)] = (name, task)

    def _wait(self, seconds: float) -> list[Any]:
        """References of what ended, the first within so many seconds and all others that have by then."""
        every = [*self._running, *self._starting]
        if not every:
            time.sleep(seconds)
            return []
        ready, _ = ray.wait(every, num_returns=1, timeout=seconds)
        more, _ = ray.wait(every, num_returns=len(every), timeout=0) if ready else ([], [])
        return list(dict.fromkeys([*ready, *more]))

    def _greet(self, reference: Any) -> None:
        """A worker that started is idle; one that could not is replaced."""
        name = self._starting.pop(reference)
        try:
            self._workers[name].node = ray.get(reference)
        except RayError as error:
            self._workers.pop(name)
            self._bad_starts += 1
            log.warning("%s could not start: %s", name, _cause(error))
            if self._bad_starts >= STARTS and not any(worker.node for worker in self._workers.values()):
                raise ValueError(f"{STARTS} workers in a row could not start, the last: {_cause(error)}") from None
        else:
            self._bad_starts = 0
            self._idle.append(name)

    def _take(self, reference: Any) -> list[Finished]:
        """A cohort's results; none if its worker died and it runs again."""
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
            ray.kill(self._workers[name].actor)
            kind: FailureKind = "memory" if isinstance(error, OutOfMemoryError) else "crash"
            return self._lose(name, task, kind, error_line(error))
        self._idle.append(name)
        return [Finished(results, name, seconds)]

    def _overdue(self) -> list[Finished]:
        """Stop workers whose cohort takes longer than its candidates may."""
        found: list[Finished] = []
        for reference, (name, task) in list(self._running.items()):
            seconds = self._limit.seconds(task.cohort)
            if time.monotonic() - task.began > seconds:
                self._running.pop(reference)
                ray.kill(self._workers[name].actor)
                task.losses = max(task.losses, TRIES - 1)
                found += self._lose(name, task, "timeout", f"it took more than {seconds:g} seconds")
        return found

    def _lose(self, name: str, task: _Task, kind: FailureKind, why: str, *, away: bool = False) -> list[Finished]:
        """A worker is gone, or its node is `away`: its cohort runs again, or in parts, or has failed."""
        worker = self._workers.pop(name)
        left = away or worker.node in dead_nodes()
        task.left += left
        task.losses += not left or task.left > MOST_LEFT
        ids = ", ".join(str(job.id) for job in task.cohort)
        what = "has left with its node" if left else "died and is replaced"
        log.warning("%s %s while it trained candidates %s: %s", name, what, ids, why)
        self._follow()
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


def _cause(error: RayError) -> str:
    """Why a worker did not start: an error of its own, which Ray puts last, else what Ray says first."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1] if "ray::" in str(error) else error_line(error)

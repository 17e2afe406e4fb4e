"""Gives payloads to the workers of a pool, and tells how each ended. Who is to blame is for others to judge."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

import ray
from ray.exceptions import OutOfMemoryError, RayActorError, RayError, RayTaskError

from haemsa.cluster.workers.elastic.crew import Crew
from haemsa.cluster.workers.evaluator import Capacity
from haemsa.cluster.workers.worker_pool import STEP, WorkerPool
from haemsa.evo.candidate import FailureKind
from haemsa.model.errors import error_line

log = logging.getLogger(__name__)
MOST_LEFT: Final = 10
"""So many nodes may leave while they have a payload. After that the payload is to blame."""


@dataclass
class Task:
    """A payload that waits or runs, and what it is called. `losses`: workers that died with it; `left`: nodes that left
    with it.
    """

    payload: Any
    name: str
    losses: int = 0
    left: int = 0
    began: float = 0.0


@dataclass(frozen=True)
class Ended:
    """How a task ended: with a `result`, with an `error` that the worker raised, or `lost` with its worker, and why.

    `left`: its worker left with its node.
    """

    task: Task
    worker: str
    result: Any = None
    seconds: float = 0.0
    error: BaseException | None = None
    lost: FailureKind | None = None
    why: str = ""
    left: bool = False


class Dispatching(Capacity, Protocol):
    """Gives tasks to workers. `waiting` are those that no worker has yet."""

    waiting: deque[Task]

    def give(self) -> None:
        """Give waiting tasks to idle workers."""

    def ended(self, seconds: float = STEP) -> list[Ended]:
        """Wait until a task ends or a worker is ready, at most so many seconds. All tasks that have ended by then."""

    def running(self) -> list[Task]:
        """The tasks that run."""

    def stop(self, task: Task, kind: FailureKind, why: str) -> Ended:
        """End the worker of a task that runs."""

    def idle_actors(self) -> list[Any]:
        """The actors of all workers that have no task, once they have started."""

    def close(self) -> None:
        """Stop what runs, and forget what waits."""


class Dispatcher:
    """Gives tasks to the workers of a pool."""

    def __init__(self, pool: WorkerPool) -> None:
        self.pool = pool
        self.waiting: deque[Task] = deque()
        self._running: dict[Any, tuple[str, Task]] = {}

    @classmethod
    def of(cls, make: Callable[[Any], Callable[[Any], Any]], data: Any, crew: Crew) -> Self:
        """With workers of its own.

        Args:
            make: Is called with `data` once in each worker, and gives what works on a payload there.
            data: What every worker gets.
            crew: Which workers, and how many.
        """
        return cls(WorkerPool(make, data, crew))

    @property
    def workers(self) -> int:
        """Workers that are there, and those that start. Where nodes are to come, only those that have their cores."""
        return len(self.pool)

    @property
    def expected(self) -> int:
        """Workers once all nodes that are asked for have come."""
        return self.pool.expected

    @property
    def left(self) -> int:
        """Nodes that have left with workers."""
        return len(self.pool.left)

    @property
    def free(self) -> int:
        """Workers for which no task waits."""
        return max(0, self.pool.ready_soon - len(self.waiting))

    @property
    def pending(self) -> int:
        """Tasks that wait or run."""
        return len(self.waiting) + len(self._running)

    def give(self) -> None:
        """Give waiting tasks to idle workers."""
        while self.waiting and self.pool.idle:
            task, name = self.waiting.popleft(), self.pool.idle.popleft()
            task.began = time.monotonic()
            self._running[self._send(self.pool.actor(name), task)] = (name, task)

    def ended(self, seconds: float = STEP) -> list[Ended]:
        """Wait until a task ends or a worker is ready, at most so many seconds. All tasks that have ended by then."""
        self.pool.follow_now_and_then()
        found = []
        for reference in self._wait(seconds):
            if reference in self.pool.starting:
                self.pool.greet(reference)
            elif reference in self._running:  # a worker that was starting may be gone with the node of one before
                found.append(self._take(reference))
        return found

    def running(self) -> list[Task]:
        """The tasks that run."""
        return [task for _, task in self._running.values()]

    def stop(self, task: Task, kind: FailureKind, why: str) -> Ended:
        """End the worker of a task that runs."""
        reference = next(reference for reference, (_, running) in self._running.items() if running is task)
        name, _ = self._running.pop(reference)
        self.pool.kill(name)
        return self._lose(name, task, kind, why)

    def idle_actors(self) -> list[Any]:
        """The actors of all workers that have no task, once they have started."""
        while not self.pool.idle:
            self.pool.await_start()
        return [self.pool.actor(name) for name in self.pool.idle]

    def close(self) -> None:
        """Stop the workers; the cluster stays."""
        self.pool.close()
        self.waiting.clear()
        self._running.clear()

    def references(self) -> list[Any]:
        """What to wait for: tasks that run, and workers that start."""
        return [*self._running, *self.pool.starting]

    def _send(self, actor: Any, task: Task) -> Any:
        """Ray's reference of what an actor makes of a task."""
        return actor.evaluate.remote(task.payload)

    def _wait(self, seconds: float) -> list[Any]:
        """References of what ended: the first within so many seconds, and all others that have by then."""
        references = self.references()
        if not references:
            time.sleep(seconds)
            return []
        ready, _ = ray.wait(references, num_returns=1, timeout=seconds)
        more, _ = ray.wait(references, num_returns=len(references), timeout=0) if ready else ([], [])
        return list(dict.fromkeys([*ready, *more]))

    def _take(self, reference: Any) -> Ended:
        name, task = self._running.pop(reference)
        try:
            result, seconds = ray.get(reference)
        except RayActorError as error:
            return self._lose(name, task, "crash", str(error).splitlines()[0], error)
        except RayTaskError as error:
            self.pool.rest(name)
            return Ended(task, name, error=error.cause)
        except RayError as error:  # killed for its memory, or its node left with the results
            self.pool.kill(name)
            kind: FailureKind = "memory" if isinstance(error, OutOfMemoryError) else "crash"
            return self._lose(name, task, kind, error_line(error), error)
        self.pool.rest(name)
        return Ended(task, name, result, seconds)

    def _lose(self, name: str, task: Task, kind: FailureKind, why: str, error: RayError | None = None) -> Ended:
        """A worker is gone, and left this error. It is replaced where there is room."""
        left = self.pool.remove(name, error)
        task.left += left
        task.losses += not left or task.left > MOST_LEFT
        what = "has left with its node" if left else "died and is replaced"
        quiet = logging.INFO if left else logging.WARNING  # of a node that leaves, the pool says so once
        log.log(quiet, "%s %s while it worked on %s: %s", name, what, task.name, why)
        self.pool.follow()
        return Ended(task, name, lost=kind, why=why, left=left)

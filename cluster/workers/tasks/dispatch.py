"""Gives payloads to the workers of a pool, and tells how each ended. Who is to blame is for others to judge."""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import ray
from ray.exceptions import OutOfMemoryError, RayActorError, RayError, RayTaskError

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


class Dispatcher:
    """Tasks on the workers of a pool. `waiting` are those that no worker has yet."""

    def __init__(self, pool: WorkerPool) -> None:
        self.pool = pool
        self.waiting: deque[Task] = deque()
        self._running: dict[Any, tuple[str, Task]] = {}

    @property
    def pending(self) -> int:
        """Tasks that wait or run."""
        return len(self.waiting) + len(self._running)

    def give(self) -> None:
        """Give waiting tasks to idle workers."""
        while self.waiting and self.pool.idle:
            task, name = self.waiting.popleft(), self.pool.idle.popleft()
            task.began = time.monotonic()
            self._running[self.pool.actor(name).evaluate.remote(task.payload)] = (name, task)

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

    def running(self) -> list[tuple[Any, str, Task]]:
        """What runs: a reference for `stop`, the worker and the task."""
        return [(reference, name, task) for reference, (name, task) in self._running.items()]

    def stop(self, reference: Any, kind: FailureKind, why: str) -> Ended:
        """End the worker of a task that runs."""
        name, task = self._running.pop(reference)
        self.pool.kill(name)
        return self._lose(name, task, kind, why)

    def close(self) -> None:
        """Stop the workers; the cluster stays."""
        self.pool.close()
        self.waiting.clear()
        self._running.clear()

    def _wait(self, seconds: float) -> list[Any]:
        """References of what ended: the first within so many seconds, and all others that have by then."""
        references = [*self._running, *self.pool.starting]
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

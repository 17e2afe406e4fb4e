"""Workers that several clients use at the same time. Each client has a thread, some work, and a desk.

Only the thread that calls `serve` moves tasks. It takes them from the desks, and puts there how they ended.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import ray

from haemsa.cluster.workers.elastic.crew import Crew
from haemsa.cluster.workers.node_copies import maker_on_nodes
from haemsa.cluster.workers.tasks.dispatch import Dispatcher, Ended, Task
from haemsa.cluster.workers.worker_pool import STEP, WorkerPool
from haemsa.evo.candidate import FailureKind

PAUSE: Final = 0.05
"""Seconds between looks at what clients have laid on their desks, while nothing ends."""


@dataclass(frozen=True)
class Work:
    """What a worker can do. The worker makes it when it first gets a task of it.

    `make` is called with what `data` refers to, and gives what works on a payload. `number` tells works apart.
    """

    number: int
    make: Callable[[Any], Callable[[Any], Any]]
    data: Any


class SeveralWorks:
    """The body of a worker. It begins with the `first` work, so that a worker that cannot do it does not start."""

    def __init__(self, first: Work) -> None:
        self._made = dict[int, Callable[[Any], Any]]()
        self._of(first)

    def __call__(self, parcel: tuple[Work, set[int], Any]) -> Any:
        """What a work makes of a payload. Works that no client needs any more are forgotten."""
        work, needed, payload = parcel
        self._made = {number: made for number, made in self._made.items() if number in needed}
        return self._of(work)(payload)

    def _of(self, work: Work) -> Callable[[Any], Any]:
        if work.number not in self._made:
            self._made[work.number] = work.make(ray.get(work.data))
        return self._made[work.number]


class SharedWorkers:
    """Workers, and the desks of their clients.

    Args:
        crew: Which workers, and how many.
        make: Gives the first work of each worker.
        data: What it is made of. Streamed features in its field `pool` are copied to nodes that lack them.
    """

    def __init__(self, crew: Crew, make: Callable[[Any], Callable[[Any], Any]], data: Any) -> None:
        self.lock, self.stopped = threading.RLock(), False
        self.desks, self._works = list[Desk](), 0
        self.first = self.work(make, data)
        self.dispatcher = _Parcels(WorkerPool(SeveralWorks, self.first, crew), self.desks)

    def work(self, make: Callable[[Any], Callable[[Any], Any]], data: Any) -> Work:
        """Another work for all workers."""
        with self.lock:
            self._works += 1
            return Work(self._works, maker_on_nodes(make, data), ray.put(data))

    def desk(self, work: Work, lanes: int | None = None, weight: float = 0.0) -> Desk:
        """A desk for a client.

        Args:
            work: What its tasks are for.
            lanes: How many workers it is told to have. None: all.
            weight: Tasks of the heaviest client go first.
        """
        desk = Desk(self, work, lanes, weight)
        with self.lock:
            self.desks.append(desk)
            self.desks.sort(key=lambda item: -item.weight)
        return desk

    def serve(self, needed: Callable[[], bool]) -> None:
        """Move tasks between desks and workers, while this is needed."""
        while needed():
            with self.lock:
                self._give()
                references = self.dispatcher.references()
            if references:
                ray.wait(references, timeout=PAUSE)  # without the lock: a client may look at its tasks meanwhile
            else:
                time.sleep(PAUSE)
            with self.lock:
                for ended in self.dispatcher.ended(0.0):
                    self.dispatcher.owners.pop(id(ended.task)).take(ended)

    def stop(self) -> None:
        """Every client gets a KeyboardInterrupt when it next waits for its tasks."""
        with self.lock:
            self.stopped = True
            for desk in self.desks:
                desk.news.notify_all()

    def close(self) -> None:
        """Stop the workers; the cluster stays."""
        self.dispatcher.close()

    def _give(self) -> None:
        """Give the tasks of the heaviest clients to idle workers."""
        for desk in self.desks:
            while desk.waiting and self.dispatcher.pool.idle:
                task = desk.waiting.popleft()
                desk.given[id(task)] = task
                self.dispatcher.owners[id(task)] = desk
                self.dispatcher.waiting.append(task)
                self.dispatcher.give()


class Desk:
    """Gives tasks of one client to workers that it shares with others."""

    def __init__(self, shared: SharedWorkers, work: Work, lanes: int | None, weight: float) -> None:
        self._shared, self.work, self._lanes, self.weight = shared, work, lanes, weight
        self.waiting: deque[Task] = deque()
        self.given: dict[int, Task] = {}
        self.news = threading.Condition(shared.lock)
        self._ended: list[Ended] = []

    @property
    def workers(self) -> int:
        """Its lanes, however many workers there are."""
        return self._lanes or self._shared.dispatcher.workers

    @property
    def expected(self) -> int:
        """The same: its lanes do not change."""
        return self._lanes or self._shared.dispatcher.expected

    @property
    def left(self) -> int:
        """Nodes that have left with workers."""
        return self._shared.dispatcher.left

    @property
    def free(self) -> int:
        """Lanes without a task."""
        return max(0, self.workers - self.pending)

    @property
    def pending(self) -> int:
        """Tasks that wait, run, or were not taken yet."""
        with self._shared.lock:  # a task on its way to a worker counts too
            return len(self.waiting) + len(self.given)

    def give(self) -> None:
        """Nothing: the tasks are taken from the desk."""

    def take(self, ended: Ended) -> None:
        """A task has ended."""
        self._ended.append(ended)
        self.news.notify_all()

    def ended(self, seconds: float = STEP) -> list[Ended]:
        """Wait until a task ends, at most so many seconds. All that have ended by then."""
        with self._shared.lock:
            if not self._ended and not self._shared.stopped:
                self.news.wait(seconds)
            if self._shared.stopped:
                raise KeyboardInterrupt
            found, self._ended = self._ended, []
            for item in found:
                del self.given[id(item.task)]
            return found

    def running(self) -> list[Task]:
        """Its tasks that run."""
        with self._shared.lock:
            return [task for task in self._shared.dispatcher.running() if id(task) in self.given]

    def stop(self, task: Task, kind: FailureKind, why: str) -> Ended:
        """End the worker of a task that runs. If it has ended just now, it is left as it is."""
        with self._shared.lock:
            del self.given[id(task)]
            known = next((item for item in self._ended if item.task is task), None)
            if known is not None:
                self._ended.remove(known)
                return known
            del self._shared.dispatcher.owners[id(task)]
            return self._shared.dispatcher.stop(task, kind, why)

    def idle_actors(self) -> list[Any]:
        """None: no client has the workers for itself."""
        return []

    def close(self) -> None:
        """Give the desk up. What runs is not stopped."""
        with self._shared.lock:
            self.waiting.clear()
            self._shared.desks.remove(self)


class _Parcels(Dispatcher):
    """Sends each payload with the work of its client. `owners`: the desk of each task that runs, by its identity."""

    def __init__(self, pool: WorkerPool, desks: list[Desk]) -> None:
        super().__init__(pool)
        self.owners, self._desks = dict[int, Desk](), desks

    def _send(self, actor: Any, task: Task) -> Any:
        needed = {desk.work.number for desk in self._desks}
        return actor.evaluate.remote((self.owners[id(task)].work, needed, task.payload))

"""The workers of a search on Ray: actors that start where the cluster has room, and are replaced when they die."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import ray
from ray.exceptions import RayError

from haemsa.cluster.workers.evaluator import JobBatch, TrainCohort, measure
from haemsa.cluster.workers.job import Result
from haemsa.cluster.workers.limits import limit_memory
from haemsa.cluster.workers.ray_cluster import free, room_for
from haemsa.cluster.workers.start_watch import StartWatch, needs
from haemsa.model.errors import error_line
from haemsa.model.spec.genome import Genome

log = logging.getLogger(__name__)
FOLLOW: Final = 5.0
"""Seconds between looks at how many workers the cluster has room for."""
STEP: Final = 1.0
"""Seconds between looks at the clock while nothing ends."""
STARTS: Final = 3
"""So many workers in a row may fail to start, if no other worker is there."""
LONGEST_START: Final = 60.0
"""Seconds that the first workers may take to start."""


class _Actor:
    """The body of an actor: it makes what trains once, and keeps it."""

    _train: TrainCohort

    def node(self) -> str:
        """Answers as soon as the actor has its cores. To prepare it takes longer."""
        return str(ray.get_runtime_context().get_node_id())

    def prepare(self, make: Callable[[Any], TrainCohort], data: Any, memory: float | None) -> None:
        limit_memory(memory)
        self._train = make(data)

    def evaluate(self, cohort: JobBatch) -> tuple[list[Result], float]:
        start = time.perf_counter()
        results = self._train(cohort)
        return results, time.perf_counter() - start

    def fastest_cohort(self, genomes: Sequence[Genome]) -> int | None:
        return measure(self._train, genomes)


@dataclass
class _Worker:
    """`placed`: Ray's reference of its node, which is there once the worker has its cores. `node`: once it is ready."""

    actor: Any
    placed: Any
    node: str = ""


class WorkerPool:
    """Workers by name. Those in `idle` have no cohort; those in `starting`, by Ray's reference, are not ready yet.

    `wanted`: how many there should be; None: as many as the cluster has room for, as its nodes come and go.
    """

    def __init__(
        self,
        make: Callable[[Any], TrainCohort],
        data: Any,
        wanted: int | None,
        *,
        gpus: float,
        cpus: float,
        memory: float | None,
    ) -> None:
        self._make, self._data = make, ray.put(data)
        self._wanted, self._cpus, self._gpus, self._memory = wanted, cpus, gpus, memory
        self._actor: Any = ray.remote(num_cpus=cpus, num_gpus=gpus, max_restarts=0)(_Actor)
        self._workers: dict[str, _Worker] = {}
        self.starting: dict[Any, str] = {}
        self.idle: deque[str] = deque()
        self._watch = StartWatch(needs(cpus, gpus), free)
        self._started = self._bad_starts = 0
        self._followed = 0.0
        self.follow()

    def __len__(self) -> int:
        """Workers that are there, and those that start."""
        return len(self._workers)

    def actor(self, name: str) -> Any:
        """The actor of a worker."""
        return self._workers[name].actor

    def follow(self) -> None:
        """Start or stop workers, until there are as many as are wanted and the cluster has room for."""
        self._followed, before = time.monotonic(), len(self._workers)
        room = max(1, room_for(self._cpus, self._gpus))
        wanted = room if self._wanted is None else min(self._wanted, room)
        for _ in range(wanted - len(self._workers)):
            name = f"worker-{self._started}"
            self._started += 1
            actor = self._actor.remote()
            self._workers[name] = _Worker(actor, actor.node.remote())
            self.starting[actor.prepare.remote(self._make, self._data, self._memory)] = name
        for reference in list(self.starting)[: max(0, len(self._workers) - wanted)]:  # no room for them
            ray.kill(self._workers.pop(self.starting.pop(reference)).actor)
        if len(self._workers) != before:
            log.info("%d workers", len(self._workers))

    def follow_now_and_then(self) -> None:
        """`follow`, if the last time was more than `FOLLOW` seconds ago. Says if workers wait for cores."""
        if time.monotonic() - self._followed > FOLLOW:
            self.follow()
        self._watch.look(self._unplaced(), len(self._workers))

    def _unplaced(self) -> int:
        """How many workers have no cores yet."""
        references = [self._workers[name].placed for name in self.starting.values()]
        return len(ray.wait(references, num_returns=len(references), timeout=0)[1]) if references else 0

    def greet(self, reference: Any) -> None:
        """A worker in `starting` is ready: it is idle, or it could not start. Raises ValueError if none can."""
        name = self.starting.pop(reference)
        try:
            ray.get(reference)
            self._workers[name].node = ray.get(self._workers[name].placed)
        except RayError as error:
            ray.kill(self._workers.pop(name).actor)
            self._bad_starts += 1
            log.warning("%s could not start: %s", name, _cause(error))
            if self._bad_starts >= STARTS and not any(worker.node for worker in self._workers.values()):
                raise ValueError(f"{STARTS} workers in a row could not start, the last: {_cause(error)}") from None
        else:
            self._bad_starts = 0
            self.idle.append(name)

    def await_start(self) -> None:
        """Let all workers start. After `LONGEST_START` go on with those that have: others may hold what they need."""
        end = time.monotonic() + LONGEST_START
        while self.starting and time.monotonic() < end:
            references = list(self.starting)
            for reference in ray.wait(references, num_returns=len(references), timeout=STEP)[0]:
                self.greet(reference)
            self.follow_now_and_then()
        self.follow()

    def kill(self, name: str) -> None:
        """End the process of a worker. `remove` is still to be called."""
        ray.kill(self._workers[name].actor)

    def remove(self, name: str) -> str:
        """Forget a worker that is gone. Returns the id of its node."""
        return self._workers.pop(name).node

    def close(self) -> None:
        """Stop all workers; the cluster stays."""
        for worker in self._workers.values():
            ray.kill(worker.actor)
        for container in (self._workers, self.starting, self.idle):
            container.clear()


def _cause(error: RayError) -> str:
    """Why a worker did not start: its own error, which Ray puts last, or what Ray says first."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1] if "ray::" in str(error) else error_line(error)

"""The workers of a search on Ray: actors that start where the cluster has room, and are replaced when they die."""

from __future__ import annotations

import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import ray
from ray.exceptions import RayError

from haemsa.cluster.workers.elastic.crew import Crew
from haemsa.cluster.workers.elastic.growth import can_grow, leaving
from haemsa.cluster.workers.elastic.nodes import addresses, free, room_for
from haemsa.cluster.workers.elastic.start_watch import StartWatch
from haemsa.cluster.workers.elastic.target import Stand, target
from haemsa.cluster.workers.elastic.worker import HaemsaWorker, Worker
from haemsa.model.errors import error_line

log = logging.getLogger(__name__)
FOLLOW: Final = 5.0
"""Seconds between looks at how many workers the cluster has room for."""
STEP: Final = 1.0
"""Seconds between looks at the clock while nothing ends."""
STARTS: Final = 3
"""So many workers in a row may fail to start, if no other worker is there."""
LONGEST_START: Final = 60.0
"""Seconds that the first workers may take to start."""
REST: Final = 120.0
"""Where nodes come and go, a worker without work for so many seconds is let go, so that its node can be removed."""


class WorkerPool:
    """Workers by name. Those in `idle` have no cohort; those in `starting`, by Ray's reference, are not ready yet.

    `left`: the addresses of nodes that left with workers, by their ids.

    Args:
        make: Is called with `data` once in each worker, and gives what trains a cohort there.
        data: What every worker gets.
        crew: Which workers are wanted.
    """

    def __init__(self, make: Callable[[Any], Any], data: Any, crew: Crew) -> None:
        self._make, self._data, self._crew = make, ray.put(data), crew
        self._actor: Any = ray.remote(max_restarts=0, **crew.needs.options())(HaemsaWorker)
        self._called = f"{crew.name} {secrets.token_hex(2)}"  # another search of that name may run
        self._workers: dict[str, Worker] = {}
        self.starting: dict[Any, str] = {}
        self.idle: deque[str] = deque()
        self.left: dict[str, str] = {}
        self._watch = StartWatch(crew.needs.words(), self._free, crew.patience)
        self._started = self._bad_starts = 0
        self._followed, self._grows = 0.0, False
        self._away: set[str] = set()
        self.follow()

    def __len__(self) -> int:
        """Workers that are there, and those that start. Where nodes are to come, only those that have their cores."""
        return max(1, self._placed()) if self._grows else len(self._workers)

    @property
    def expected(self) -> int:
        """Workers once all nodes that are asked for have come."""
        most = self._crew.count or self._crew.most
        return max(len(self), most) if self._grows and most else len(self)

    @property
    def ready_soon(self) -> int:
        """Workers without a cohort that take one at once or soon. Of those that wait for nodes, only the first."""
        if not self._grows:
            return len(self.idle) + len(self.starting)
        placed = sum(bool(self._workers[name].node) for name in self.starting.values())
        return len(self.idle) + max(placed, int(not self._placed()))

    def actor(self, name: str) -> Any:
        """The actor of a worker, which is about to be given work."""
        self._workers[name].rests_since = None
        return self._workers[name].actor

    def follow(self) -> None:
        """Start or stop workers, until there are as many as are wanted now."""
        self._followed, before = time.monotonic(), len(self._workers)
        self._grows = self._grows or can_grow()
        self._away = leaving()
        self._let_go()
        room = room_for(self._crew.needs, self._away)
        stays = [worker for worker in self._workers.values() if worker.node not in self._away]
        placed = sum(bool(worker.node) for worker in stays)
        wanted = target(self._crew, Stand(room, placed, len(stays), self._rests(), self._grows))
        for _ in range(wanted - len(stays)):
            self._start()
        last_placed = sorted(self.starting, key=lambda reference: bool(self._workers[self.starting[reference]].node))
        for reference in last_placed[: max(0, len(stays) - wanted)]:  # no room for them
            ray.kill(self._workers.pop(self.starting.pop(reference)).actor)
        if len(self._workers) != before:
            log.info("%d workers", len(self._workers))

    def follow_now_and_then(self) -> None:
        """`follow`, if the last time was more than `FOLLOW` seconds ago. Says if workers wait for cores.

        Raises:
            ValueError: If no worker has come for too long, where nodes should come.
        """
        self._find_nodes()
        if time.monotonic() - self._followed > FOLLOW:
            self.follow()
        self._watch.look(len(self._workers) - self._placed(), len(self._workers), grows=self._grows)

    def greet(self, reference: Any) -> None:
        """A worker in `starting` is ready: it is idle, or it could not start. Raises ValueError if none can."""
        name = self.starting.pop(reference)
        worker = self._workers[name]
        try:
            ray.get(reference)
            worker.node, worker.ready = ray.get(worker.placed), True
        except RayError as error:
            ray.kill(worker.actor)
            if self.remove(name, error):
                log.info("%s has left with its node before it was ready", name)
                return
            self._bad_starts += 1
            log.warning("%s could not start: %s", name, _cause(error))
            if self._bad_starts >= STARTS and not any(worker.ready for worker in self._workers.values()):
                raise ValueError(f"{STARTS} workers in a row could not start, the last: {_cause(error)}") from None
        else:
            self._bad_starts = 0
            self.rest(name)

    def await_start(self) -> None:
        """Let all workers start. After `LONGEST_START` go on with those that have: others may hold what they need.

        Workers for which nodes are to come are only awaited while there is no other.
        """
        end = time.monotonic() + LONGEST_START
        while self.starting and time.monotonic() < end and (not self.idle or self.ready_soon > len(self.idle)):
            references = list(self.starting)
            for reference in ray.wait(references, num_returns=len(references), timeout=STEP)[0]:
                self.greet(reference)
            self.follow_now_and_then()
        self.follow()

    def rest(self, name: str) -> None:
        """A worker has no work any more: it is idle, or it is stopped, because its node leaves."""
        if self._workers[name].node in self._away:
            self._end(name)
        else:
            self.idle.append(name)

    def kill(self, name: str) -> None:
        """End the process of a worker. `remove` is still to be called."""
        ray.kill(self._workers[name].actor)

    def remove(self, name: str, error: RayError | None = None) -> bool:
        """Forget a worker that is gone, and the error that it left. Returns whether it left with its node."""
        worker = self._workers.pop(name)
        left = error is not None and worker.left(error)
        if left and worker.node not in self.left:
            self.left[worker.node] = addresses().get(worker.node, "a node")
            log.warning("%s has left the cluster: what its workers trained runs again", self.left[worker.node])
        return left

    def close(self) -> None:
        """Stop all workers; the cluster stays."""
        for worker in self._workers.values():
            ray.kill(worker.actor)
        for container in (self._workers, self.starting, self.idle):
            container.clear()

    def _start(self) -> None:
        name = f"worker-{self._started}"
        self._started += 1
        actor = self._actor.options(name=f"{self._called} {name}").remote()
        self._workers[name] = Worker(actor, actor.node.remote())
        self.starting[actor.prepare.remote(self._make, self._data, self._crew.memory)] = name

    def _find_nodes(self) -> None:
        """Note the nodes of those that have got their cores."""
        unplaced = {worker.placed: worker for worker in self._workers.values() if not worker.node}
        if unplaced:
            for reference in ray.wait(list(unplaced), num_returns=len(unplaced), timeout=0)[0]:
                unplaced[reference].find_node()

    def _let_go(self) -> None:
        """Stop idle workers whose nodes leave, and those that have rested for long where nodes come and go."""
        now, there = time.monotonic(), self._placed()
        for name in list(self.idle):
            worker = self._workers[name]
            worker.rests_since = worker.rests_since or now
            if worker.node in self._away or (self._grows and now - worker.rests_since > REST and there > 1):
                self.idle.remove(name)
                self._end(name)
                there -= 1

    def _end(self, name: str) -> None:
        worker = self._workers.pop(name)
        log.info("%s is let go: %s", name, "its node leaves" if worker.node in self._away else "it has nothing to do")
        ray.kill(worker.actor)

    def _rests(self) -> bool:
        """Whether some worker has had nothing to do for a while. Then no more are asked for."""
        now = time.monotonic()
        since = (self._workers[name].rests_since for name in self.idle)
        return any(begun is not None and now - begun > FOLLOW for begun in since)

    def _placed(self) -> int:
        return sum(bool(worker.node) for worker in self._workers.values())

    def _free(self) -> str:
        return free() + ("; the cluster was asked for more" if self._grows else "")


def _cause(error: RayError) -> str:
    """Why a worker did not start: its own error, which Ray puts last, or what Ray says first."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1] if "ray::" in str(error) else error_line(error)

"""Training on Ray: actors that keep the data and train cohorts, on this machine or on a cluster."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError

from cluster.evaluator import Cohort, Finished, TrainCohort, describe, failed, measure
from cluster.job import Result
from model.spec import Genome

log = logging.getLogger(__name__)

TRIES = 2
"""Workers that a cohort may lose before its candidates count as failed."""


def connect(address: str | None, timeout: float, workers: int | None = None) -> None:
    """Join the Ray cluster at `address`, or start one of `workers` cores here, bound to loopback.

    Raises ValueError if no Ray answers at the address within `timeout` seconds.
    """
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        # Ray would join a cluster that happens to run here; a search without an address has its own.
        ray.init(address="local", num_cpus=workers, include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
        return
    _await(address, timeout)
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, RayError) as error:
        raise ValueError(f"Ray at {address} does not let us in: {str(error).splitlines()[0]}") from None


def _await(address: str, timeout: float) -> None:
    """Return as soon as Ray answers at `address`; raise ValueError after `timeout` seconds without an answer."""
    if address == "auto":
        return
    end = time.monotonic() + timeout
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"address is {address!r}, expected HOST:PORT or ray://HOST:PORT")
    problem: str | None = ""
    while (left := end - time.monotonic()) > 0:
        try:
            with socket.create_connection((host, int(port)), timeout=left):
                pass
            problem = _try(address, max(1.0, end - time.monotonic()))
            if problem is None:
                return
        except OSError:
            pass
        time.sleep(min(0.5, max(0.0, end - time.monotonic())))
    raise ValueError(f"no Ray answers at {address} within {timeout:g} seconds{problem}")


def _try(address: str, timeout: float) -> str | None:
    """Join and leave again, in a process of its own: Ray's client can wait much longer than it is told to.

    Returns None if that went well, else how a sentence goes on that says why not.
    """
    code = "import sys, ray; ray.init(address=sys.argv[1], log_to_driver=False, logging_level='ERROR')"
    try:
        found = subprocess.run([sys.executable, "-c", code, address], timeout=timeout, capture_output=True, check=False)
        if found.returncode == 0:
            return None
        said = found.stderr
    except subprocess.TimeoutExpired as error:
        said = error.stderr or b""
    text = said.decode(errors="replace").strip()
    if "InvalidAuthToken" in text:
        return ", it asks for a token: see Ray's RAY_AUTH_MODE=token and ~/.ray/auth_token"
    return f", the last that was heard: {text.splitlines()[-1][:300]}" if text else ""


class _Worker:
    """The body of an actor: it makes what trains once, and keeps it."""

    def __init__(self, make: Callable[[Any], TrainCohort], data: Any) -> None:
        self._train = make(data)

    def evaluate(self, cohort: Cohort) -> tuple[list[Result], float]:
        start = time.perf_counter()
        results = self._train(cohort)
        return results, time.perf_counter() - start

    def fastest_cohort(self, genomes: Sequence[Genome]) -> int | None:
        return measure(self._train, genomes)


@dataclass
class _Task:
    cohort: Cohort
    losses: int = 0


class RayEvaluator:
    """Cohorts on Ray actors. `make(data)` is run once in each worker and gives what trains a cohort there.

    A worker that dies is replaced and its cohort runs again; after `TRIES` deaths its candidates have failed.
    """

    def __init__(
        self, make: Callable[[Any], TrainCohort], data: Any, workers: int, *, gpus: float = 0.0, cpus: float = 1.0
    ) -> None:
        self.workers = workers
        self._make, self._data = make, ray.put(data)
        self._actor: Any = ray.remote(num_cpus=cpus, num_gpus=gpus, max_restarts=0)(_Worker)
        self._actors = {f"worker-{number}": self._start() for number in range(workers)}
        self._idle = deque(self._actors)
        self._queue: deque[_Task] = deque()
        self._running: dict[Any, tuple[str, _Task]] = {}

    def _start(self) -> Any:
        return self._actor.remote(self._make, self._data)

    @property
    def free(self) -> int:
        """Workers for which no cohort waits."""
        return max(0, len(self._idle) - len(self._queue))

    @property
    def pending(self) -> int:
        """Cohorts that wait or run."""
        return len(self._queue) + len(self._running)

    def submit(self, cohort: Cohort) -> None:
        """Give the cohort to an idle worker, or queue it."""
        self._queue.append(_Task(cohort))
        self._dispatch()

    def _dispatch(self) -> None:
        while self._queue and self._idle:
            task, name = self._queue.popleft(), self._idle.popleft()
            self._running[self._actors[name].evaluate.remote(task.cohort)] = (name, task)

    def collect(self, timeout: float | None = None) -> list[Finished]:
        """Wait for one cohort, and take all that ended with it."""
        if not self._running:
            return []
        ready, _ = ray.wait(list(self._running), num_returns=1, timeout=timeout)
        if ready:
            more, _ = ray.wait(list(self._running), num_returns=len(self._running), timeout=0)
            ready = list(dict.fromkeys([*ready, *more]))
        found = [finished for reference in ready if (finished := self._take(reference)) is not None]
        self._dispatch()
        return found if found or not ready else self.collect(timeout)

    def _take(self, reference: Any) -> Finished | None:
        """A cohort's results; None if its worker died and it runs again."""
        name, task = self._running.pop(reference)
        seconds = 0.0
        try:
            results, seconds = ray.get(reference)
        except RayActorError as error:
            return self._replace(name, task, error)
        except RayTaskError as error:
            results = failed(task.cohort, "error", describe(error.cause))
        except RayError as error:
            results = failed(task.cohort, "crash", describe(error))
        self._idle.append(name)
        return Finished(results, name, seconds)

    def _replace(self, name: str, task: _Task, error: RayActorError) -> Finished | None:
        task.losses += 1
        log.warning("%s died and is replaced: %s", name, str(error).splitlines()[0])
        self._actors[name] = self._start()
        self._idle.append(name)
        if task.losses < TRIES:
            self._queue.appendleft(task)
            return None
        message = f"{task.losses} workers died while training its cohort"
        return Finished(failed(task.cohort, "crash", message), name, 0.0)

    def fastest_cohort(self, genomes: Sequence[Genome]) -> int | None:
        """Measured on one worker while all of them do the same, as they will share their memory and cores."""
        found: list[int | None] = ray.get([actor.fastest_cohort.remote(genomes) for actor in self._actors.values()])
        return min((size for size in found if size is not None), default=None)

    def close(self) -> None:
        """Stop the actors; the cluster stays."""
        for actor in self._actors.values():
            ray.kill(actor)
        for container in (self._actors, self._idle, self._queue, self._running):
            container.clear()


def count_workers(cpus: float, gpus: float) -> int:
    """How many workers of that size the cluster has room for, at least one."""
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    rooms = [int(resources.get("CPU", 1) // cpus)] + ([int(resources.get("GPU", 0) / gpus)] if gpus else [])
    if gpus and rooms[1] < 1:
        raise ValueError(f"a worker asks for {gpus:g} GPUs, but the cluster has {resources.get('GPU', 0):g}")
    return max(1, min(rooms))

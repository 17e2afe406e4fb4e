"""A cluster in virtual time behind the `Evaluator` protocol: workers, how long they train, nodes that come and go.

A cohort trains for a log-normal time. Its mean is proportional to what its jobs have to train. Nothing sleeps: time
jumps from event to event. With `charged`, the time that the driver really takes passes in virtual time too.
"""

from __future__ import annotations

import heapq
import itertools
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from haemsa.cluster.workers.evaluator import Finished, JobBatch
from haemsa.cluster.workers.job import Job, Result, target_epochs
from haemsa.evo.candidate import Failure, Score
from haemsa.model.spec.genome import Genome

Event = tuple[float, int, Literal["end", "leave", "join"], int]
"""When, a running number, what, and the worker (end) or node that it happens to."""


@dataclass(frozen=True)
class Nodes:
    """Workers lie on `count` nodes, and each node is away now and then: mean seconds that it stays, and is gone."""

    count: int
    stay: float
    gone: float


@dataclass
class Usage:
    """Worker seconds: all there were, those in which a worker trained, and of these what a leaving node lost."""

    there: float = 0.0
    busy: float = 0.0
    lost: float = 0.0

    @property
    def busy_fraction(self) -> float:
        """Share of the workers' time in which they trained."""
        return self.busy / self.there if self.there else 0.0

    @property
    def useful_fraction(self) -> float:
        """The same without what was lost."""
        return (self.busy - self.lost) / self.there if self.there else 0.0


@dataclass
class _Worker:
    here: bool = True
    cohort: JobBatch | None = None
    since: float = 0.0
    usual: float = 0.0
    """Seconds that cohorts of its work take on average."""
    ends: int = -1
    """The number of the event that ends its cohort; an event of another number is out of date."""


@dataclass
class SimulatedCluster:
    """An `Evaluator`. `score` gives a job's scores; a share `failing` of all candidates fails instead.

    `seconds` is the mean time of one network's whole training, `sigma` the log-normal's. `charged`: how many virtual
    seconds pass for each that the driver takes.
    """

    size: int
    score: Callable[[Job], dict[str, Score]]
    seconds: float = 60.0
    sigma: float = 1.0
    failing: float = 0.0
    nodes: Nodes | None = None
    charged: float = 0.0
    seed: int = 0
    time: float = 0.0
    usage: Usage = field(default_factory=Usage)
    submitted: dict[int, Usage] = field(default_factory=dict)
    """Usage from the first submission of all to the last candidate that was submitted on each rung."""
    spent: float = 0.0
    """Real seconds taken by the simulation itself, and of processor time."""
    cpu_spent: float = 0.0
    cohorts: int = 0

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng((self.seed, 7))
        self._workers = [_Worker() for _ in range(self.size)]
        self._idle = deque(range(self.size))
        self._queue: deque[JobBatch] = deque()
        self._ended: list[tuple[JobBatch, int, float]] = []
        self._running = 0
        self._here = self.size
        self._events: list[Event] = []
        self._numbers = itertools.count()
        self._known: set[tuple[int, int]] = set()
        self._begun = False
        self._left_at = time.perf_counter()
        if self.nodes:
            for node in range(self.nodes.count):
                self._plan(self._rng.exponential(self.nodes.stay), "leave", node)

    # -- the protocol

    @property
    def workers(self) -> int:
        """Workers that are here now."""
        return self._here

    @property
    def expected(self) -> int:
        """The same: this cluster does not grow on demand."""
        return self._here

    left = 0

    @property
    def free(self) -> int:
        """Idle workers for which no cohort waits."""
        return max(0, len(self._idle) - len(self._queue))

    @property
    def pending(self) -> int:
        """Cohorts that wait, train, or ended and were not collected."""
        return len(self._queue) + self._running + len(self._ended)

    def submit(self, cohort: JobBatch) -> None:
        """Queue a cohort."""
        with self._simulating():
            self._begun = True
            self._queue.append(cohort)
            self._dispatch()
            first = cohort[0].candidate
            if (first.id, first.rung) not in self._known:  # no part, and nothing that begins anew
                self.submitted[first.rung] = replace(self.usage)
            self._known.update((job.candidate.id, job.candidate.rung) for job in cohort)

    def collect(self, timeout: float | None = None) -> list[Finished]:
        """Let time pass until a cohort ends, or workers join for whom nothing waits; all that ended by then."""
        with self._simulating():
            end = np.inf if timeout is None else self.time + timeout
            free = self.free
            while self.pending and not self._ended and self.free <= free and self._events[0][0] <= end:
                self._happen()
            if timeout is not None and self.pending and not self._ended and self._events[0][0] > end:
                self._pass(end)
            ended, self._ended = self._ended, []
            for _, worker, _ in ended:
                if self._workers[worker].here:
                    self._idle.append(worker)
            self._dispatch()
            return [Finished([self._result(job) for job in cohort], f"w{w}", took) for cohort, w, took in ended]

    def take_back(self, times: float, may: Callable[[JobBatch], bool]) -> JobBatch | None:
        """Take back a cohort that trains more than `times` as long as cohorts of its work do on average."""
        for number, worker in enumerate(self._workers):
            cohort, spent = worker.cohort, self.time - worker.since
            if cohort is None or spent <= times * worker.usual or not may(cohort):
                continue
            self.usage.lost += spent
            worker.cohort = None
            self._running -= 1
            self._idle.append(number)
            return cohort
        return None

    def fastest_cohort(self, genomes: Sequence[Genome]) -> int | None:
        """Nothing is measured here."""
        return None

    def close(self) -> None:
        """Forget what waits."""
        self._queue.clear()

    @property
    def until_last_submit(self) -> Usage:
        """Usage from the first to the last submission of all."""
        return max(self.submitted.values(), key=lambda usage: usage.there)

    # -- time

    def now(self) -> float:
        """Virtual seconds since the start; the clock of the search."""
        return self.time

    @contextmanager
    def _simulating(self) -> Iterator[None]:
        """Take what the driver took since it last came, and charge it; then count what is taken here."""
        start, cpu = time.perf_counter(), time.process_time()
        if self.charged:
            until = self.time + self.charged * (start - self._left_at)
            while self._events and self._events[0][0] <= until:
                self._happen()
            self._pass(until)
        yield
        self._left_at = time.perf_counter()
        self.spent += self._left_at - start
        self.cpu_spent += time.process_time() - cpu

    def _pass(self, until: float) -> None:
        if self._begun:
            self.usage.there += (until - self.time) * self.workers
            self.usage.busy += (until - self.time) * self._running
        self.time = until

    def _plan(self, after: float, kind: Literal["end", "leave", "join"], which: int) -> int:
        number = next(self._numbers)
        heapq.heappush(self._events, (self.time + after, number, kind, which))
        return number

    def _happen(self) -> None:
        """The next event."""
        when, number, kind, which = heapq.heappop(self._events)
        self._pass(when)
        if kind == "end":
            self._end(which, number)
        elif kind == "leave":
            self._leave(which)
        else:
            self._join(which)

    def _end(self, number: int, event: int) -> None:
        worker = self._workers[number]
        if worker.ends == event and worker.cohort is not None:
            self._ended.append((worker.cohort, number, self.time - worker.since))
            worker.cohort = None
            self._running -= 1

    def _leave(self, node: int) -> None:
        """A node goes; what its workers train runs again, before all that waits."""
        assert self.nodes
        for number in range(node, self.size, self.nodes.count):
            worker = self._workers[number]
            worker.here = False
            self._here -= 1
            if worker.cohort is not None:
                self.usage.lost += self.time - worker.since
                self._queue.appendleft(worker.cohort)
                worker.cohort = None
                self._running -= 1
            elif number in self._idle:
                self._idle.remove(number)
        self._dispatch()
        self._plan(self._rng.exponential(self.nodes.gone), "join", node)

    def _join(self, node: int) -> None:
        assert self.nodes
        ended = {worker for _, worker, _ in self._ended}
        for number in range(node, self.size, self.nodes.count):
            self._workers[number].here = True
            self._here += 1
            if number not in ended:
                self._idle.append(number)
        self._dispatch()
        self._plan(self._rng.exponential(self.nodes.stay), "leave", node)

    # -- cohorts

    def _dispatch(self) -> None:
        while self._queue and self._idle:
            cohort, number = self._queue.popleft(), self._idle.popleft()
            mean = self.seconds * sum(work(job) for job in cohort)
            took = mean * float(np.exp(self._rng.normal(-(self.sigma**2) / 2, self.sigma)))
            self._workers[number] = _Worker(True, cohort, self.time, mean, self._plan(took, "end", number))
            self._running += 1
            self.cohorts += 1

    def _result(self, job: Job) -> Result:
        if zlib.crc32(f"{self.seed} {job.genome.key}".encode()) < self.failing * 2**32:
            return Result(job.id, Failure("nan", "the loss was not finite"), purpose=job.purpose)
        return Result(job.id, self.score(job), replicates=job.part or (), purpose=job.purpose)


def work(job: Job) -> float:
    """What a job has left to train, in whole trainings of its network."""
    had = target_epochs(job.reached, job.genome) if job.reached else 0
    old = job.reached.replicates if job.reached else 0
    epochs = sum(wanted - (had if replicate < old else 0) for replicate, wanted in job.waiting().items())
    return max(epochs, 1) / job.genome.training.epochs

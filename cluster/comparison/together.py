"""What a comparison does at the same time: its searches, trials and final trainings share the workers.

On Ray each of them has a thread, which waits for its tasks. In this process one comes after the other. Results are the
same: a search is told that it has one worker, and gets the results of one cohort before it breeds the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.shared.interrupt import interruptible
from haemsa.cluster.shared.noted import BESIDE, informed, warnings_noted
from haemsa.cluster.shared.progress import Progress
from haemsa.cluster.workers.cohort_trainer import CohortTrainer, WorkerData
from haemsa.cluster.workers.evaluator import Evaluator, InlineEvaluator
from haemsa.cluster.workers.tasks.place import joined_ray
from haemsa.cluster.workers.tasks.tasks import InlineTasks, Tasks, Work

if TYPE_CHECKING:
    from haemsa.cluster.workers.tasks.desks import SharedWorkers
    from haemsa.cluster.workers.tasks.desks import Work as SharedWork

T = TypeVar("T")


class Together(Protocol):
    """Does several things at the same time, if it can."""

    def run(self, works: Sequence[Callable[[], T]]) -> list[T]:
        """Call all of them. Returns what each returned. The first error ends all, and is raised."""

    def evaluator(self, name: str, data: WorkerData, weight: float, among: int) -> AbstractContextManager[Evaluator]:
        """What trains the networks of one search `among` so many. The heaviest searches get workers first."""

    def tasks(self, make: Callable[[Any], Work], data: Any, weight: float = 0.0) -> AbstractContextManager[Tasks]:
        """What works on payloads. The heaviest of all gets workers first."""


@contextmanager
def together(config: SearchConfig, data: WorkerData, progress: Progress) -> Iterator[Together]:
    """What does several things while the block runs, where the settings say.

    Args:
        config: The settings.
        data: What most of the searches train on.
        progress: Is told when workers wait, die or leave.

    Raises:
        ValueError: No Ray cluster answers, or it has no room.
    """
    if config.backend == "inline":
        yield OneByOne()
        return
    from haemsa.cluster.workers.tasks.desks import SharedWorkers

    with (
        warnings_noted(progress, "haemsa.cluster.workers"),
        joined_ray(config, config.title) as crew,
        closing(SharedWorkers(crew, CohortTrainer, data)) as shared,
    ):
        yield Beside(shared, data, config.candidate_time)


class OneByOne:
    """One after the other, in this process."""

    def __init__(self) -> None:
        self._trainers: list[CohortTrainer] = []

    def run(self, works: Sequence[Callable[[], T]]) -> list[T]:
        """Call one after the other."""
        return [work() for work in works]

    def evaluator(self, name: str, data: WorkerData, weight: float, among: int) -> AbstractContextManager[Evaluator]:  # noqa: ARG002
        """Searches on the same data have the same trainer."""
        trainer = next((item for item in self._trainers if item.data is data), None)
        if trainer is None:
            trainer = CohortTrainer(data)
            self._trainers.append(trainer)
        return closing(InlineEvaluator(trainer))

    def tasks(self, make: Callable[[Any], Work], data: Any, weight: float = 0.0) -> AbstractContextManager[Tasks]:  # noqa: ARG002
        """Works here."""
        return nullcontext(InlineTasks(make, data))


class Beside:
    """Beside each other, on shared workers that have made a trainer of `first`.

    `limit`: seconds that a candidate may train. None: see `TimeLimit`.
    """

    def __init__(self, shared: SharedWorkers, first: WorkerData, limit: float | None) -> None:
        self._shared, self._limit = shared, limit
        self._works: list[tuple[Any, SharedWork]] = [(first, shared.first)]

    def run(self, works: Sequence[Callable[[], T]]) -> list[T]:
        """Call each in a thread of its own. An interruption ends all cleanly before it is raised."""
        threads = ThreadPoolExecutor(max(1, len(works)), thread_name_prefix=BESIDE)
        with informed(), interruptible(), threads:
            futures = [threads.submit(work) for work in works]
            try:
                self._shared.serve(lambda: not _over(futures))
            finally:
                if not all(future.done() for future in futures):
                    self._shared.stop()
        errors = [error for future in futures if (error := future.exception())]
        for error in sorted(errors, key=lambda error: isinstance(error, KeyboardInterrupt)):  # these were stopped
            raise error
        return [future.result() for future in futures]

    def evaluator(self, name: str, data: WorkerData, weight: float, among: int) -> AbstractContextManager[Evaluator]:
        """A search has one worker at a time, or more where there are more workers than searches."""
        from haemsa.cluster.workers.ray_evaluator import RayEvaluator

        lanes = max(1, self._shared.dispatcher.expected // among)
        desk = self._shared.desk(self._work(CohortTrainer, data), lanes, weight)
        return closing(RayEvaluator(desk, name, limit=self._limit))

    def tasks(self, make: Callable[[Any], Work], data: Any, weight: float = 0.0) -> AbstractContextManager[Tasks]:
        """All workers that those leave which are heavier."""
        from haemsa.cluster.workers.tasks.ray_tasks import RayTasks

        return closing(RayTasks(self._shared.desk(self._work(make, data), weight=weight)))

    def _work(self, make: Callable[[Any], Any], data: Any) -> SharedWork:
        """Clients with the same data have the same work."""
        with self._shared.lock:
            known = next((work for of, work in self._works if of is data), None)
            if known is None:
                known = self._shared.work(make, data)
                self._works.append((data, known))
            return known


def _over(futures: Sequence[Future[Any]]) -> bool:
    """Whether all have ended, or one has failed."""
    return all(future.done() for future in futures) or any(f.done() and f.exception() for f in futures)

"""Tasks: a function works on payloads, in this process or on Ray workers, with data that each of them has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any, Protocol

from haemsa.cluster.config import Compute
from haemsa.cluster.shared.interrupt import interruptible
from haemsa.cluster.shared.noted import warnings_noted
from haemsa.cluster.shared.progress import Progress
from haemsa.cluster.workers.tasks.place import joined_ray

Work = Callable[[Any], Any]
"""What a worker does with a payload. It can be made only where it works; payloads and results can be sent."""


class Tasks(Protocol):
    """Works on payloads somewhere."""

    @property
    def workers(self) -> int:
        """How many payloads are worked on at a time."""

    def run(
        self, payloads: Iterable[Any], *, in_order: bool = False, waiting: Callable[[], None] | None = None
    ) -> Iterator[tuple[int, Any]]:
        """Work on all payloads.

        Args:
            payloads: They are taken some at a time, as workers become free. Put the longest first.
            in_order: Give results in the order of the payloads. Otherwise each comes as soon as it is there.
            waiting: Is called about once a second while nothing ends.

        Returns:
            The number of each payload, and what was made of it.

        Raises:
            ValueError: Workers died again and again with a payload. Any error of the work itself is raised as it is.
        """


class InlineTasks:
    """Works in this process, one payload after another."""

    workers = 1

    def __init__(self, make: Callable[[Any], Work], data: Any) -> None:
        self._make, self._data = make, data

    def run(
        self,
        payloads: Iterable[Any],
        *,
        in_order: bool = False,  # noqa: ARG002
        waiting: Callable[[], None] | None = None,  # noqa: ARG002
    ) -> Iterator[tuple[int, Any]]:
        """Work on all payloads."""
        work: Work | None = None
        for number, payload in enumerate(payloads):
            work = work or self._make(self._data)
            yield number, work(payload)


@contextmanager
def tasks_on(
    compute: Compute,
    make: Callable[[Any], Work],
    data: Any,
    progress: Progress,
    most: int | None = None,
    told: Callable[[int], None] | None = None,
    name: str = "haemsa",
) -> Iterator[Tasks]:
    """What works on payloads while the block runs.

    Args:
        compute: Where.
        make: Is called with `data` once in each worker, and gives what works on a payload there.
        data: What every worker gets, once for each node. Streamed features of a `Dataset` in its field `pool` come from
            a copy of their file where the node lacks it.
        progress: Is told when workers wait, die or leave.
        most: So many workers are enough.
        told: Is called with the sum of what workers tell within their work, now and then. They call `data.tell` with
            how much more is done; `data` is a dataclass then.
        name: What the work is called: the workers have its name.

    Raises:
        ValueError: No Ray cluster answers, or it has no room.
    """
    if compute.backend == "inline":
        yield InlineTasks(make, data if told is None else replace(data, tell=_adding(told)))
        return
    from haemsa.cluster.workers.node_copies import maker_on_nodes
    from haemsa.cluster.workers.tasks.dispatch import Dispatcher
    from haemsa.cluster.workers.tasks.ray_tasks import RayTasks
    from haemsa.cluster.workers.tasks.told import Board

    with (
        warnings_noted(progress, "haemsa.cluster.workers"),
        joined_ray(compute, name, most) as crew,
        interruptible(),
    ):
        board = Board(told) if told is not None else None
        data = replace(data, tell=board.tell) if board is not None else data
        with closing(RayTasks(Dispatcher.of(maker_on_nodes(make, data), data, crew), board)) as tasks:
            yield tasks


def _adding(told: Callable[[int], None]) -> Callable[[int], None]:
    """Tells the sum of what it is called with."""
    parts = list[int]()

    def tell(count: int) -> None:
        parts.append(count)
        told(sum(parts))

    return tell

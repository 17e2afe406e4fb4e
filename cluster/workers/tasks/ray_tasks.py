"""Tasks on Ray. A worker may die, or leave with its node: its payload runs again elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, cast

from haemsa.cluster.workers.tasks.dispatch import Dispatching, Ended, Task
from haemsa.cluster.workers.tasks.told import Board

log = logging.getLogger(__name__)
TRIES: Final = 3
"""So many workers may die with a payload."""
AHEAD: Final = 2
"""So many payloads for each worker are taken before their results are there."""


@dataclass
class _Numbered(Task):
    """The task of a payload, by the number of the payload."""

    number: int = 0


class RayTasks:
    """Works on Ray actors.

    Args:
        tasks: Gives payloads to workers. Each of them has what works on them.
        board: What workers tell. It is closed with the tasks. None: they have nothing to tell with.
    """

    def __init__(self, tasks: Dispatching, board: Board | None = None) -> None:
        self._tasks, self._board = tasks, board

    @property
    def workers(self) -> int:
        """Workers that are there, and those that start."""
        return max(1, self._tasks.workers)

    def run(
        self, payloads: Iterable[Any], *, in_order: bool = False, waiting: Callable[[], None] | None = None
    ) -> Iterator[tuple[int, Any]]:
        """Work on all payloads."""
        coming, out, held, first = enumerate(payloads), 0, dict[int, Any](), 0
        while True:
            for number, payload in islice(coming, max(0, AHEAD * self.workers - out - len(held))):
                self._tasks.waiting.append(_Numbered(payload, f"task {number}", number=number))
                out += 1
            if not out:
                return
            self._tasks.give()
            ended = self._tasks.ended()
            done = {task.number: result for task, result in filter(None, map(self._done, ended))}
            out, held = out - len(done), held | done
            self._tasks.give()
            if self._board is not None:
                self._board.listen()
            if not ended and waiting is not None:
                waiting()
            for number in range(first, first + len(held)) if in_order else list(held):
                if number not in held:
                    break
                yield number, held.pop(number)
                first += 1

    def close(self) -> None:
        """Stop the workers; the cluster stays."""
        self._tasks.close()
        if self._board is not None:
            self._board.close()

    def _done(self, ended: Ended) -> tuple[_Numbered, Any] | None:
        """A task with its result. None if its worker died: it runs again."""
        if ended.error is not None:
            raise ended.error
        if ended.lost is None:
            return cast(_Numbered, ended.task), ended.result
        if ended.task.losses >= TRIES:
            raise ValueError(f"{TRIES} workers died while they worked on {ended.task.name}, the last: {ended.why}")
        log.log(logging.INFO if ended.left else logging.WARNING, "%s runs again", ended.task.name)
        self._tasks.waiting.appendleft(ended.task)
        return None

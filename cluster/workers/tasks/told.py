"""Workers tell how far they are with a payload: a board on the driver's node adds it up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy


class _Board:
    """The body of the actor."""

    def __init__(self) -> None:
        self._count = 0

    def add(self, count: int) -> None:
        self._count += count

    def count(self) -> int:
        return self._count


class Tell:
    """Adds to a board. It can be sent to workers, which never wait for the board."""

    def __init__(self, board: Any) -> None:
        self._board = board

    def __call__(self, count: int) -> None:
        """So much more is done."""
        self._board.add.remote(count)


class Board:
    """What all workers have told. `told` is called with the sum, whenever someone listens."""

    def __init__(self, told: Callable[[int], None]) -> None:
        self._told = told
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        actor: Any = ray.remote(_Board)
        self._actor = actor.options(num_cpus=0, scheduling_strategy=here).remote()
        self.tell = Tell(self._actor)

    def listen(self) -> None:
        """Ask for the sum. A board that does not answer now is asked the next time."""
        with suppress(RayError):
            self._told(int(ray.get(self._actor.count.remote(), timeout=1)))

    def close(self) -> None:
        """End the actor."""
        ray.kill(self._actor)

"""Workers tell how far they are with a payload: a board on the driver's node adds it up."""

from __future__ import annotations

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
    """What all workers have told."""

    def __init__(self) -> None:
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        actor: Any = ray.remote(_Board)
        self._actor = actor.options(num_cpus=0, scheduling_strategy=here).remote()
        self.tell = Tell(self._actor)

    def count(self) -> int | None:
        """The sum. None if the board does not answer now."""
        try:
            return int(ray.get(self._actor.count.remote(), timeout=1))
        except RayError:
            return None

    def close(self) -> None:
        """End the actor."""
        ray.kill(self._actor)

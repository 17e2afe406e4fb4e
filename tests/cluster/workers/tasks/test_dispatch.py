"""What ended is taken once, whatever left the cluster meanwhile."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from ray.exceptions import RayActorError

from haemsa.cluster.workers.tasks import dispatch
from haemsa.cluster.workers.tasks.dispatch import Dispatcher, Task


class LeavingPool:
    """A worker that dies with its node, on which another one was starting."""

    def __init__(self) -> None:
        self.starting: dict[str, str] = {"greeting": "two"}

    def follow_now_and_then(self) -> None:
        """Nothing has changed yet."""

    def remove(self, name: str, error: object) -> bool:
        return True

    def follow(self) -> None:
        self.starting.clear()


def test_a_worker_that_was_starting_on_a_node_that_left_ends_no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    def get(reference: str) -> Any:
        raise RayActorError

    monkeypatch.setattr(dispatch, "ray", SimpleNamespace(wait=lambda references, **_: (references, []), get=get))
    dispatcher = Dispatcher(cast(Any, LeavingPool()))
    task = Task("a payload", "cohort")
    dispatcher._running["work"] = ("one", task)
    (ended,) = dispatcher.ended()
    assert (ended.task, ended.left, dispatcher.pending) == (task, True, 0)

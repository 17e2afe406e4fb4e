"""Says when trials wait for nodes that should come, and gives up when none does. Ray Tune itself waits silently."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from ray import tune

from haemsa.cluster.config import Compute
from haemsa.cluster.workers.elastic.crew import Crew
from haemsa.cluster.workers.elastic.growth import can_grow
from haemsa.cluster.workers.elastic.nodes import free
from haemsa.cluster.workers.elastic.start_watch import StartWatch
from haemsa.cluster.workers.worker_pool import FOLLOW


class Waits(tune.Callback):
    """Where the cluster can grow, looks now and then whether any trial runs. It waits no longer than `node_timeout`.

    Elsewhere there was room before the first trial. A trial that starts there is not told from one that waits.
    """

    def __init__(self, compute: Compute, now: Callable[[], float] = time.monotonic) -> None:
        crew = Crew.of(compute, "")
        self._watch = StartWatch(crew.needs.words(), _free, crew.patience, now)
        self._now, self._next = now, 0.0

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles its settings, and nobody reads what this callback knows

    def on_step_begin(self, *, trials: Sequence[Any], **_: Any) -> None:  # type: ignore[override]
        """Raises ValueError if no node has come for too long."""
        if self._now() < self._next:
            return
        self._next = self._now() + FOLLOW
        states = {trial.status for trial in trials}
        none = "PENDING" in states and "RUNNING" not in states and can_grow()
        self._watch.look(int(none), 1, grows=none)


def _free() -> str:
    return f"{free()}; the cluster was asked for more"

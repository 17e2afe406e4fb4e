"""What a search does, as metrics of Ray: Ray's dashboard and Prometheus show them by the name of the search."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from ray.util import metrics

from haemsa.cluster.workers.evaluator import Finished
from haemsa.evo.candidate import Failure

EVERY: Final = 1.0
"""Seconds between two updates of the same figure."""
SECONDS: Final = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0]
"""The bounds between which cohorts are counted by their seconds."""


class SearchMetrics:
    """Counts what ends, and tells Ray at most once in `EVERY` seconds.

    Args:
        search: The name of the search.
        now: The time in seconds.
    """

    def __init__(self, search: str, now: Callable[[], float] = time.monotonic) -> None:
        self._tags = {"search": search.encode("ascii", "replace").decode()}  # Ray takes no other letters
        self._now, self._told = now, float("-inf")
        one = ("search",)
        self._evaluations = metrics.Counter("haemsa_evaluations", "Candidates that were trained or failed.", one)
        self._failures = metrics.Counter("haemsa_failures", "Candidates that failed, by kind.", ("search", "kind"))
        self._seconds = metrics.Histogram("haemsa_cohort_seconds", "Seconds that a cohort took.", SECONDS, one)
        self._gauges = {
            "workers": metrics.Gauge("haemsa_workers", "Workers that have their cores.", one),
            "busy": metrics.Gauge("haemsa_busy_workers", "Workers that train a cohort.", one),
            "waiting": metrics.Gauge("haemsa_waiting_cohorts", "Cohorts that wait for a worker.", one),
        }
        self._ended: list[Finished] = []

    def ended(self, finished: Iterable[Finished]) -> None:
        """These cohorts have ended."""
        self._ended += finished

    def tell(self, *, last: bool = False, **gauges: int) -> None:
        """Tell Ray what has ended, and how many workers and cohorts there are now, if it is time or the `last` time."""
        now = self._now()
        if now < self._told + EVERY and not last:
            return
        self._told = now
        for name, value in gauges.items():
            self._gauges[name].set(value, self._tags)
        results = [result for finished in self._ended for result in finished.results]
        if results:
            self._evaluations.inc(len(results), self._tags)
        failed = Counter(result.outcome.kind for result in results if isinstance(result.outcome, Failure))
        for kind, count in failed.items():
            self._failures.inc(count, {**self._tags, "kind": kind})
        for finished in self._ended:
            self._seconds.observe(finished.seconds, self._tags)
        self._ended.clear()

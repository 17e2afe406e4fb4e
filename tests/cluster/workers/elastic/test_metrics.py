"""What Ray is told of a search: every figure, but seldom."""

from __future__ import annotations

from typing import Any

import pytest

from haemsa.cluster.workers.elastic import metrics as module
from haemsa.cluster.workers.elastic.metrics import SearchMetrics
from haemsa.cluster.workers.evaluator import Finished
from haemsa.cluster.workers.job import Result
from haemsa.evo.candidate import Failure, Score

Told = list[tuple[Any, ...]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What pretended metrics of Ray are told: their name, the value, and the tags other than the search's name."""
    heard: Told = []

    class Metric:
        def __init__(self, name: str, *_: Any) -> None:
            self.name = name.removeprefix("haemsa_")

        def inc(self, value: float, tags: dict[str, str]) -> None:
            assert tags["search"] == "my?search"
            heard.append((self.name, value, *(tags[key] for key in tags if key != "search")))

        set = observe = inc

    for kind in ("Counter", "Gauge", "Histogram"):
        monkeypatch.setattr(module.metrics, kind, Metric)
    return heard


def cohort(seconds: float, *outcomes: Any) -> Finished:
    return Finished([Result(number, outcome) for number, outcome in enumerate(outcomes)], "worker-0", seconds)


def test_figures_are_told_once_a_second_and_none_is_lost(told: Told) -> None:
    now, good, bad = 10.0, {"mae": Score(1.0)}, Failure("nan", "the loss was not finite")
    metrics = SearchMetrics("myésearch", lambda: now)
    metrics.ended([cohort(2.0, good, bad), cohort(3.0, good)])
    metrics.tell(workers=2, busy=1, waiting=0)
    first = [("workers", 2), ("busy_workers", 1), ("waiting_cohorts", 0), ("evaluations", 3), ("failures", 1, "nan")]
    assert told == [*first, ("cohort_seconds", 2.0), ("cohort_seconds", 3.0)]
    told.clear()
    now = 10.9
    metrics.ended([cohort(4.0, bad)])
    metrics.tell(workers=2)
    assert told == []
    now = 11.0
    metrics.tell(workers=3)
    assert told == [("workers", 3), ("evaluations", 1), ("failures", 1, "nan"), ("cohort_seconds", 4.0)]
    told.clear()
    metrics.ended([cohort(5.0, good)])
    metrics.tell(last=True, workers=0)
    assert told == [("workers", 0), ("evaluations", 1), ("cohort_seconds", 5.0)]

"""One contract for tasks in this process and on Ray; and what Ray's do when workers die."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from haemsa.cluster.config import Compute
from haemsa.cluster.shared.progress import SilentProgress
from haemsa.cluster.workers.tasks.tasks import Work, tasks_on


@pytest.fixture(params=["inline", pytest.param("ray", marks=pytest.mark.ray)])
def compute(request: pytest.FixtureRequest) -> Compute:
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")
    return Compute(backend=request.param, workers=2)


def test_each_payload_comes_back_once_with_what_was_made_of_it(compute: Compute) -> None:
    with tasks_on(compute, lambda data: lambda payload: data + payload, 100, SilentProgress()) as tasks:
        assert sorted(tasks.run(range(7))) == [(number, 100 + number) for number in range(7)]
        assert list(tasks.run([])) == []
        assert dict(tasks.run([5])) == {0: 105}  # the same workers again


def test_in_order_a_quick_payload_waits_for_a_slow_one_and_no_more_are_taken(compute: Compute) -> None:
    taken: list[int] = []

    def payloads() -> Iterator[int]:
        for number in range(9):
            taken.append(number)
            yield number

    def sleeping(_: Any) -> Work:
        def work(payload: int) -> int:
            time.sleep(0.3 if payload == 0 else 0)
            return payload

        return work

    with tasks_on(compute, sleeping, None, SilentProgress()) as tasks:
        results = tasks.run(payloads(), in_order=True)
        assert next(results) == (0, 0)
        assert len(taken) <= 2 * tasks.workers
        assert list(results) == [(number, number) for number in range(1, 9)]


def test_payloads_without_end_are_taken_one_by_one(compute: Compute) -> None:
    with tasks_on(compute, lambda data: lambda payload: data + payload, 1, SilentProgress()) as tasks:
        assert list(islice(tasks.run(count(), in_order=True), 20)) == [(number, number + 1) for number in range(20)]


def test_an_error_of_the_work_is_raised_as_it_is(compute: Compute) -> None:
    def failing(_: Any) -> Work:
        def work(payload: int) -> int:
            if payload == 2:
                raise ValueError("payload 2 is bad, expected another")
            return payload

        return work

    with (
        tasks_on(compute, failing, None, SilentProgress()) as tasks,
        pytest.raises(ValueError, match=r"^payload 2 is bad, expected another$"),
    ):
        list(tasks.run(range(4)))


@dataclass(frozen=True)
class Slow:
    """Takes a while for each payload, and tells so twice."""

    tell: Callable[[int], None] | None = None

    def __call__(self, payload: int) -> int:
        assert self.tell is not None
        for _ in range(2):
            self.tell(5)
            time.sleep(0.1)
        return payload


def test_workers_tell_how_far_they_are_within_their_work(compute: Compute) -> None:
    told = list[int]()
    with tasks_on(compute, lambda work: work, Slow(), SilentProgress(), told=told.append) as tasks:
        assert sorted(tasks.run(range(8))) == [(number, number) for number in range(8)]
    assert told == sorted(told)
    assert 0 < told[-1] <= 80
    assert compute.backend == "ray" or told == list(range(5, 85, 5))


def killing(times: int) -> Any:
    def make(folder: Path) -> Work:
        def work(payload: int) -> int:
            deaths = len(list(folder.iterdir()))
            if payload == 1 and deaths < times:
                (folder / str(deaths)).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return 10 * payload

        return work

    return make


@pytest.mark.ray
def test_a_payload_whose_worker_died_runs_again_elsewhere(
    ray_cluster: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.WARNING, "cluster"),
        tasks_on(Compute(workers=2), killing(times=2), tmp_path, SilentProgress()) as tasks,
    ):
        assert dict(tasks.run(range(4))) == {0: 0, 1: 10, 2: 20, 3: 30}
    assert caplog.text.count("task 1 runs again") == 2


@pytest.mark.ray
def test_a_payload_that_kills_every_worker_ends_the_work_with_a_sentence(ray_cluster: None, tmp_path: Path) -> None:
    with (
        tasks_on(Compute(workers=1), killing(times=9), tmp_path, SilentProgress()) as tasks,
        pytest.raises(ValueError, match="3 workers died while they worked on task 1, the last: "),
    ):
        list(tasks.run(range(2)))

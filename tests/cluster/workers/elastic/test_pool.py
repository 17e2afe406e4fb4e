"""Workers on a cluster that changes. That it changes is pretended: Ray's own has one node."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest

from haemsa.cluster.workers import worker_pool
from haemsa.cluster.workers.elastic.crew import Crew
from haemsa.cluster.workers.elastic.needs import Needs
from haemsa.cluster.workers.evaluator import Evaluator
from tests.support.cluster.search_fakes import jobs
from tests.support.cluster.trainers import echoing

pytestmark = pytest.mark.ray


@pytest.fixture
def grows(ray_cluster: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cluster says that it can grow. The pool looks at it without a pause."""
    monkeypatch.setattr(worker_pool, "can_grow", lambda: True)
    monkeypatch.setattr(worker_pool, "FOLLOW", 0.0)


@pytest.fixture
def evaluate() -> Iterator[Any]:
    """Makes an evaluator of a crew; closes it after the test."""
    from haemsa.cluster.workers.ray_evaluator import RayEvaluator

    made: list[RayEvaluator] = []

    def one(crew: Crew) -> RayEvaluator:
        made.append(RayEvaluator.of(echoing(), 7, crew))
        return made[-1]

    yield one
    for evaluator in made:
        evaluator.close()


def train_one(evaluator: Evaluator, number: int) -> str:
    """The worker that trained a candidate."""
    evaluator.submit(jobs(1, start=number))
    while not (found := evaluator.collect(1.0)):
        pass
    return found[0].worker


def until(evaluator: Evaluator, workers: int) -> None:
    """Train until there are so many workers."""
    number, end = 0, time.monotonic() + 60
    while evaluator.workers != workers and time.monotonic() < end:
        train_one(evaluator, number := number + 1)
    assert evaluator.workers == workers


def test_of_workers_that_wait_for_nodes_only_the_first_is_bred_for(grows: None, evaluate: Any) -> None:
    evaluator = evaluate(Crew(4, name="four"))
    assert (evaluator.free, evaluator.workers, evaluator.expected) == (1, 1, 4)
    until(evaluator, 2)  # the cluster has two cores
    train_one(evaluator, 99)
    assert evaluator.free == 2


def test_workers_without_work_are_let_go_where_nodes_can_be_removed(
    grows: None, evaluate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluator = evaluate(Crew(2))
    until(evaluator, 2)
    monkeypatch.setattr(worker_pool, "REST", 0.0)
    for _ in range(3):
        evaluator._tasks.pool.follow()
        time.sleep(0.01)
    assert (evaluator.workers, evaluator.free) == (1, 1)


def test_a_worker_whose_node_leaves_gets_no_more_work_and_is_replaced(
    ray_cluster: None, evaluate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    monkeypatch.setattr(worker_pool, "FOLLOW", 0.0)
    evaluator = evaluate(Crew(1))
    first = train_one(evaluator, 0)
    node = ray.get_runtime_context().get_node_id()
    monkeypatch.setattr(worker_pool, "leaving", lambda: {node})
    evaluator._tasks.pool.follow()
    assert list(evaluator._tasks.pool.idle) == []
    monkeypatch.setattr(worker_pool, "leaving", set)
    assert train_one(evaluator, 1) != first
    assert evaluator.left == 0


def test_actors_have_the_name_of_their_search_also_if_two_have_the_same(ray_cluster: None, evaluate: Any) -> None:
    import ray

    both = [evaluate(Crew(1, name="mine")) for _ in range(2)]
    for evaluator in both:
        train_one(evaluator, 0)
    names = [name for name in ray.util.list_named_actors() if name.startswith("mine ")]
    assert len(set(names)) == 2
    assert {name.rpartition(" ")[2] for name in names} == {"worker-0"}


def test_a_worker_that_asks_for_what_no_node_has_waits_for_a_stated_time(grows: None, evaluate: Any) -> None:
    evaluator = evaluate(Crew(1, needs=Needs(resources={"disk": 1.0}, labels={"zone": "a"}), patience=0.5))
    evaluator.submit(jobs(1))
    needed = "a core and 1 disk and label zone=a, but [0-9] of 2 cores are free; the cluster was asked for more"
    with pytest.raises(ValueError, match=f"no worker has come within 0.5 seconds: a worker needs {needed}; expected"):
        evaluator.collect()


def test_a_worker_whose_node_died_while_it_started_is_told_as_such(
    ray_cluster: None, evaluate: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from haemsa.cluster.workers.elastic import worker

    evaluator = evaluate(Crew(1))
    pool = evaluator._tasks.pool
    monkeypatch.setattr(worker, "dead_nodes", lambda: {"gone"})
    (name,) = pool.starting.values()
    pool._workers[name].node = "gone"
    pool.kill(name)
    with caplog.at_level(logging.INFO, "haemsa"):
        train_one(evaluator, 0)
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "a node has left the cluster: what its workers trained runs again"
    ]
    assert "worker-0 has left with its node before it was ready" in caplog.text
    assert evaluator.left == 1

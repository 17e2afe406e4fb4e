"""Clients that share workers: who goes first, whose results are whose, and what ends them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from haemsa.cluster.workers.elastic.crew import Crew
from haemsa.evo.candidate import Failure
from tests.support.cluster.search_fakes import jobs
from tests.support.cluster.trainers import echoing, hanging, killing

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def adding(data: int) -> Callable[[int], int]:
    return lambda payload: data + payload


def served(shared: Any, *clients: Callable[[], Any]) -> list[Any]:
    """What each client returns. Each has a thread, while this one serves."""
    with ThreadPoolExecutor(len(clients)) as threads:
        futures: list[Future[Any]] = [threads.submit(client) for client in clients]
        shared.serve(lambda: not all(future.done() for future in futures))
    return [future.result() for future in futures]


@pytest.fixture
def shared(ray_cluster: None) -> Iterator[Any]:
    from haemsa.cluster.workers.tasks.desks import SharedWorkers

    with closing(SharedWorkers(Crew(1), lambda data: lambda payload: data + payload, 100)) as made:
        yield made


def test_each_client_gets_the_results_of_its_own_work(shared: Any) -> None:
    from haemsa.cluster.workers.tasks.ray_tasks import RayTasks

    other = shared.work(lambda data: lambda payload: data * payload, 3)
    first, second = (RayTasks(shared.desk(work)) for work in (shared.first, other))
    added, multiplied = served(shared, lambda: dict(first.run(range(5))), lambda: dict(second.run(range(5))))
    assert added == {number: 100 + number for number in range(5)}
    assert multiplied == {number: 3 * number for number in range(5)}


def test_tasks_of_the_heaviest_client_go_first(shared: Any, tmp_path: Path) -> None:
    from haemsa.cluster.workers.tasks.dispatch import Task

    order = tmp_path / "order"

    def noting(path: Any) -> Callable[[str], None]:
        def note(payload: str) -> None:
            with Path(path).open("a") as file:
                file.write(payload)

        return note

    work = shared.work(noting, str(order))
    desks = {name: shared.desk(work, weight=weight) for name, weight in {"l": 1, "h": 2}.items()}
    for name, desk in desks.items():
        desk.waiting.extend(Task(name, name) for _ in range(3))

    def waited(desk: Any) -> None:
        while desk.pending:
            desk.ended()

    served(shared, *(lambda desk=desk: waited(desk) for desk in desks.values()))
    assert order.read_text() == "hhhlll"


def test_a_desk_is_told_its_lanes_and_not_how_many_workers_there_are(shared: Any) -> None:
    desk = shared.desk(shared.first, lanes=3)
    assert (desk.workers, desk.expected, desk.free, desk.pending, desk.idle_actors()) == (3, 3, 3, 0, [])


def test_a_worker_forgets_works_that_no_client_needs() -> None:
    from haemsa.cluster.workers.tasks import desks

    made: list[int] = []

    def make(data: int) -> Callable[[int], int]:
        made.append(data)
        return adding(data)

    one, two = (desks.Work(number, make, number) for number in (1, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desks.ray, "get", lambda data: data)
        works = desks.SeveralWorks(one)
        assert [works((one, {1, 2}, 5)), works((two, {1, 2}, 5)), works((one, {1}, 5))] == [6, 7, 6]
        works((two, {2}, 5))
    assert made == [1, 2, 2]


def test_an_interruption_reaches_every_client_that_waits(shared: Any) -> None:
    desk = shared.desk(shared.first)
    threading.Timer(0.1, shared.stop).start()
    with pytest.raises(KeyboardInterrupt):
        desk.ended(10.0)
    with pytest.raises(KeyboardInterrupt):
        desk.ended(10.0)


@pytest.mark.parametrize("fault", ["killed", "overdue"])
def test_a_candidate_that_ends_its_worker_harms_only_its_own_search(fault: str, shared: Any, tmp_path: Path) -> None:
    from haemsa.cluster.workers.ray_evaluator import RayEvaluator

    work = shared.work(killing(0, times=9), tmp_path) if fault == "killed" else shared.work(hanging(0), None)
    bad = RayEvaluator(shared.desk(work, 1), "bad", limit=None if fault == "killed" else 0.5)
    good = RayEvaluator(shared.desk(shared.work(echoing(), 7), 1), "good")

    def collected(evaluator: Any) -> dict[int, Any]:
        evaluator.submit(jobs(2))
        found = {}
        while evaluator.pending:
            found.update({result.id: result.outcome for ended in evaluator.collect() for result in ended.results})
        return found

    lost, kept = served(shared, lambda: collected(bad), lambda: collected(good))
    assert isinstance(lost[0], Failure) and lost[0].kind == ("crash" if fault == "killed" else "timeout")
    assert set(kept) == {0, 1} and not any(isinstance(outcome, Failure) for outcome in kept.values())

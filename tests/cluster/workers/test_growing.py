"""A Ray cluster that grows, in a process of its own: nodes come for workers, are replaced, and go."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.support.places import ROOT
from tests.support.ray_nodes.growing import TOKEN
from tests.support.versions import needs

pytestmark = [pytest.mark.slow, needs("ray", "2.55", "is what this was tried with")]

SCRIPT = """
import json, logging, sys, time
import ray
from tests.support.ray_nodes.growing import growing, kill_node
from tests.support.cluster.search_fakes import jobs
from tests.support.cluster.trainers import instant
from haemsa.cluster.workers import worker_pool
from haemsa.cluster.workers.elastic import start_watch
from haemsa.cluster.workers.elastic.crew import Crew
from haemsa.cluster.workers.elastic.room import check_room
from haemsa.cluster.workers.ray_evaluator import RayEvaluator

logging.basicConfig(level=logging.INFO, stream=sys.stderr)
worker_pool.FOLLOW, worker_pool.REST, start_watch.PATIENCE = 0.5, 2.0, 1.0
told = {}

def make(_):
    def train(cohort):
        time.sleep(0.2 if len(cohort) == 1 else 8.0)
        return instant(cohort)
    return train

def alive():
    return [node["NodeID"] for node in ray.nodes() if node["Alive"]]

with growing({"one core": {"resources": {"CPU": 1, "object_store_memory": 80_000_000}, "max_workers": 3}}) as address:
    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    check_room(Crew(2))
    told["at first"] = len(alive())
    evaluator = RayEvaluator.of(make, None, Crew(most=2, name="mine"))
    told["free at first"] = evaluator.free
    asked, ended = 0, []
    def work():
        global asked
        while evaluator.free:
            evaluator.submit(jobs(1, start=asked))
            asked += 1
        ended.extend(result.id for finished in evaluator.collect(1.0) for result in finished.results)
    while evaluator.workers < 2:
        work()
    told["names"] = sorted(name.rpartition(" ")[2] for name in ray.util.list_named_actors() if name.startswith("mine "))
    victim = next(worker.node for worker in evaluator._tasks.pool._workers.values() if worker.ready)
    kill_node(victim, address)
    while evaluator.left < 1 or evaluator.workers < 2:
        work()
    told["left"] = evaluator.left
    while evaluator.pending:
        ended.extend(result.id for finished in evaluator.collect(1.0) for result in finished.results)
    evaluator.submit(jobs(2, start=asked))  # the last cohort, which takes long: the other worker is let go
    asked += 2
    while evaluator.workers > 1:
        ended.extend(result.id for finished in evaluator.collect(0.5) for result in finished.results)
    told["still trains"] = evaluator.pending
    while evaluator.pending:
        ended.extend(result.id for finished in evaluator.collect(1.0) for result in finished.results)
    evaluator.close()
    told["each once"] = sorted(ended) == list(range(asked))
    end = time.monotonic() + 60
    while len(alive()) > 1 and time.monotonic() < end:
        time.sleep(0.5)
    told["at last"] = len(alive())
    ray.shutdown()
print(json.dumps(told))
"""


def test_nodes_come_for_workers_are_replaced_and_go() -> None:
    command = [sys.executable, "-c", SCRIPT]
    ran = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **TOKEN}, capture_output=True, text=True, timeout=240, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1]) == {
        "at first": 1,
        "free at first": 1,
        "names": ["worker-0", "worker-1"],
        "left": 1,
        "still trains": 1,
        "each once": True,
        "at last": 1,
    }
    assert "the work waits for a core: 0 of 0 cores are free; the cluster was asked for more" in ran.stderr
    assert ran.stderr.count("has left the cluster") == 1

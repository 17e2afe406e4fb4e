"""A Ray cluster of several nodes on loopback, in a process of its own: nodes leave and join while cohorts train."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.places import ROOT
from tests.support.versions import needs

pytestmark = [pytest.mark.slow, needs("ray", "2.55", "may connect the driver to the node that is removed")]

SCRIPT = """
import json, logging, sys, time
import ray
from ray.cluster_utils import Cluster
from tests.support.cluster.search_fakes import jobs
from tests.support.cluster.trainers import slow
from haemsa.cluster.workers import worker_pool
from haemsa.cluster.workers.elastic.crew import Crew
from haemsa.cluster.workers.ray_evaluator import RayEvaluator

logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
worker_pool.FOLLOW = 0.5
quick = {"health_check_period_ms": 300, "health_check_timeout_ms": 5000, "health_check_failure_threshold": 2}
own = {"node_ip_address": "127.0.0.2", "include_dashboard": False}  # Ray takes 127.0.0.1 for a public address
head = {"num_cpus": 1, "_system_config": quick, **own}
nodes = Cluster(initialize_head=True, head_node_args=head)
second = nodes.add_node(num_cpus=2, node_ip_address="127.0.0.2")
ray.init(address=nodes.address, log_to_driver=False, logging_level=logging.ERROR)
nodes.wait_for_nodes()
evaluator = RayEvaluator.of(slow(0.2), None, Crew())
workers, outcomes, asked, most, ended = [evaluator.workers], {}, 0, float("inf"), 0
while asked < most or evaluator.pending:
    while evaluator.free and asked < most:
        evaluator.submit(jobs(2, start=asked))
        asked += 2
    for finished in evaluator.collect():
        ended += len(finished.results)
        outcomes |= {result.id: type(result.outcome).__name__ for result in finished.results}
    if workers == [3] and ended >= 10:
        nodes.remove_node(second, allow_graceful=False)
        workers.append(None)
    if len(workers) == 2 and evaluator.workers == 1:
        workers[1] = 1
        nodes.add_node(num_cpus=3, node_ip_address="127.0.0.2")
    if len(workers) == 2 and evaluator.workers == 4:
        workers.append(4)
        most = asked + 40
left = evaluator.left
evaluator.close()
kinds = sorted(set(outcomes.values()))
found = {"workers": workers, "asked": asked, "ended": ended, "ids": sorted(outcomes), "kinds": kinds, "left": left}
print(json.dumps(found))
ray.shutdown()
nodes.shutdown()
"""


def test_a_search_follows_its_nodes_and_every_candidate_ends_once() -> None:
    command = [sys.executable, "-c", SCRIPT]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(next(line for line in ran.stdout.splitlines() if line.startswith('{"workers"')))
    asked = found.pop("asked")
    assert found == {"workers": [3, 1, 4], "ended": asked, "ids": list(range(asked)), "kinds": ["dict"], "left": 1}
    assert ran.stderr.count("node 127.0.0.2 has left the cluster") == 1

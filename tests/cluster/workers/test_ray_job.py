"""A search submitted as a job, from outside, to two nodes that ask for a token; the code travels with it."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml

from haemsa.cluster.run_directory.run_directory import RunDirectory
from tests.support.cluster.tiny import SPACE
from tests.support.places import ROOT
from tests.support.ray_nodes.loopback import HEAD, Loopback, cluster, ray
from tests.support.versions import needs

pytestmark = [pytest.mark.slow, needs("ray", "2.55", "gives no folder of its own to a second node on a machine")]

SEARCH = {
    "data": "planted", "space": SPACE, "evaluations": 8, "population": 4, "cohort": 1, "validation": "holdout",
    "rungs": False, "confirm": 0, "tracking": "off", "address_timeout": 120.0,
}  # fmt: skip

IMPATIENT = """
from haemsa.cluster.commands.main import main
from haemsa.cluster.workers import worker_pool

worker_pool.FOLLOW = 0.1
main()
"""
"""The command, which starts another worker at once where one could not start."""

LABELLED = """
import json, sys
from pathlib import Path
import ray
from haemsa.cluster.config import SearchConfig
from haemsa.cluster.search.launch import run_search
from haemsa.cluster.tuning.call import tune_genome
from haemsa.cluster.tuning.follower import Follower
from haemsa.cluster.workers import node_copies
from haemsa.cluster.workers.job import Result
from haemsa.cluster.workers.worker_pool import WorkerPool
from haemsa.evo.candidate import Score
from tests.support.cluster.trainers import states_at

folder, found = Path(sys.argv[1]), {"search": set(), "tuning": set()}
greet, report = WorkerPool.greet, Follower.on_trial_result

def maker(_):
    def train(cohort):
        scores = {"sentiment/mae": Score.of([1.0, 2.0])}
        return [Result(job.id, scores, states_at(job)) for job in cohort]
    return lambda _: train

def greeted(pool, reference):
    greet(pool, reference)
    addresses = {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes()}
    found[doing] |= {addresses[worker.node] for worker in pool._workers.values()}

def reported(follower, *, trial, result, **more):
    found[doing].add(result["node_ip"])
    report(follower, trial=trial, result=result, **more)

WorkerPool.greet, Follower.on_trial_result = greeted, reported
doing, labels = "search", {"address": "auto", "node_labels": {"market": "spot"}}
run_search(SearchConfig.load(folder / "search.yaml", {**labels, "evaluations": 2, "run": str(folder / "labelled")}))
doing, node_copies.trainer_maker = "tuning", maker  # quick
tune_genome(str(folder / "labelled"), trials=2, out=folder / "tuned", **{"space.epochs": [2, 3]})
print(json.dumps({name: sorted(places) for name, places in found.items()}))
"""
"""A search on nodes with a label, then the tuning of what it found, which runs where the search ran. Tells where."""


@pytest.fixture(scope="module")
def nodes() -> Iterator[Loopback]:
    """One core a node; the head claims two GPUs, too, as no node's hardware is looked at. The other has a label."""
    with cluster(cpus=[1, 1], gpus=2, labels="market=spot") as found:
        (found.folder / "search.yaml").write_text(yaml.safe_dump(SEARCH))
        yield found


def test_a_search_submitted_as_a_job_trains_on_both_nodes_and_keeps_its_run(nodes: Loopback) -> None:
    run = nodes.folder / "kept" / "run"
    shipped = ["--working-dir", str(ROOT), "--runtime-env", str(ROOT / "cluster" / "deploy" / "job.yaml")]
    search = ["bash", "cluster/deploy/search.sh", str(run), "--config", f"{nodes.folder}/search.yaml"]
    ran = nodes.run(*ray("job", "submit", f"--address=http://{HEAD}:{nodes.jobs_port}", *shipped, "--", *search))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    with RunDirectory.open(run, read_only=True) as found:
        rows = list(found.journal.rows())
    assert [row.status for row in rows] == ["done"] * 8
    assert len({row.worker for row in rows}) == 2  # there is one core a node
    assert (run / "best" / "genome.json").exists()


def test_a_search_and_a_tuning_train_only_on_nodes_with_their_labels(nodes: Loopback) -> None:
    ran = nodes.run(sys.executable, "-c", LABELLED, str(nodes.folder), cwd=ROOT)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1]) == {"search": ["127.0.0.3"], "tuning": ["127.0.0.3"]}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there are GPUs")
def test_gpus_that_a_node_claims_but_does_not_have_are_told_in_a_sentence(nodes: Loopback) -> None:
    words = ["search", "--config", str(nodes.folder / "search.yaml"), "--address", "auto", "--gpus-per-worker", "0.5"]
    ran = nodes.run(sys.executable, "-c", IMPATIENT, *words, "--run", str(nodes.folder / "gpus"), cwd=ROOT)
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert ran.stderr.splitlines()[-1].startswith(
        "haemsa: 3 workers in a row could not start, the last: ValueError: torch"
    )
    assert "finds no GPU on" in ran.stderr
    assert "(CUDA_VISIBLE_DEVICES: 0), expected one: see nvidia-smi there, or train on the CPU" in ran.stderr


def test_without_the_token_nobody_gets_in(nodes: Loopback) -> None:
    code = "import sys, haemsa.cluster.workers.ray_session as s; s.connected(sys.argv[1], 60.0).__enter__()"
    environment = {**nodes.environment, "RAY_AUTH_TOKEN": "f" * 64}
    ran = Loopback(nodes.folder, nodes.port, 0, environment).run(sys.executable, "-c", code, nodes.address, cwd=ROOT)
    assert ran.returncode == 1
    assert f"Ray at {nodes.address} asks for a token, expected that of its head in RAY_AUTH_TOKEN or" in ran.stderr


def test_code_travels_and_runs_data_and_environments_do_not(tmp_path: Path) -> None:
    from ray._private.runtime_env.packaging import create_package

    for name in ("runs/mine/journal.sqlite", "models/mine/genome.json", ".venv/bin/python", "mine.h5", "mlflow.db"):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for name in (
        ".gitignore",
        ".rayignore",
        "cluster/commands/main.py",
        "cluster/deploy/search.sh",
        "model/spec/network.py",
    ):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((ROOT / name).read_bytes())
    create_package(str(tmp_path / "tree"), tmp_path / "package.zip", include_gitignore=True, excludes=[".venv"])
    with zipfile.ZipFile(tmp_path / "package.zip") as package:
        files = {name for name in package.namelist() if not name.endswith("/")}
    assert files == {
        ".gitignore",
        ".rayignore",
        "cluster/commands/main.py",
        "cluster/deploy/search.sh",
        "model/spec/network.py",
    }

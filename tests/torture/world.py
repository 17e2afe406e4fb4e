"""A Ray cluster of several nodes, an MLflow server and a search, all on loopback. Each is a process that may die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.run_directory import RunDirectory
from tests.support.cluster.tiny import SPACE, stored
from tests.support.places import ROOT

LONGEST = 600.0
"""Seconds. A machine may be busy with other things."""
DRIVER = """
from haemsa.cluster.commands.main import main
from haemsa.cluster.workers import node_copies
from tests.torture.faulty import FaultyTrainer

node_copies.CohortTrainer = FaultyTrainer
main()
"""


@dataclass
class World:
    """The cluster, the server and the search. Each is a process that may die."""

    folder: Path
    evaluations: int = 1500
    driver: str = DRIVER
    search: subprocess.Popen[str] | None = None
    server: subprocess.Popen[str] | None = None
    nodes: Any = None
    others: list[Any] = field(default_factory=list)
    port: int = 0

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def log(self) -> str:
        path = self.run / "search.log"
        return path.read_text() if path.exists() else ""

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT)}

    def start_cluster(self, others: int = 1) -> None:
        """Two cores on the head, and one on each of the other nodes."""
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 2, "node_ip_address": "127.0.0.2", "include_dashboard": False}  # its port may be another's
        self.nodes = Cluster(initialize_head=True, head_node_args=head)
        self.others = [self.add_node() for _ in range(others)]
        self.nodes.wait_for_nodes()

    def add_node(self) -> Any:
        return self.nodes.add_node(num_cpus=1, node_ip_address="127.0.0.2")

    def worker_processes(self) -> list[int]:
        """Ids of the processes in which the cluster's nodes train. Other searches on this machine have such too."""
        nodes = [self.nodes.head_node, *self.others]
        parents = ",".join(str(node.all_processes["raylet"][0].process.pid) for node in nodes)
        words = ["pgrep", "--parent", parents, "--full", "ray::HaemsaWorker"]
        found = subprocess.run(words, capture_output=True, text=True, check=False)
        return [int(number) for number in found.stdout.split()]

    def start_server(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        store = [
            "--backend-store-uri",
            f"sqlite:///{self.folder}/mlflow.db",
            "--artifacts-destination",
            f"{self.folder}/art",
        ]
        self.server = subprocess.Popen(
            [*command, *store, "--workers", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True, cwd=self.folder,
        )  # fmt: skip

    def stop_server(self) -> None:
        assert self.server is not None
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.wait()

    def start_search(self) -> None:
        begun = (self.run / "journal.sqlite").exists()
        given = ["--resume", str(self.run)] if begun else ["--config", str(self.folder / "search.yaml")]
        self.search = subprocess.Popen(
            [sys.executable, "-c", self.driver, "search", *given], cwd=self.folder, env=self.environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def stop(self) -> None:
        """End all that runs."""
        if self.search is not None and self.search.poll() is None:
            self.search.kill()
        if self.server is not None:
            self.stop_server()
        self.nodes.shutdown()

    def ended(self) -> int:
        """Candidates with an outcome so far."""
        return ended(self.run)

    def await_more(self, count: int = 5) -> int:
        """Wait until so many more candidates have ended: the search is alive."""
        wanted = min(self.ended() + count, self.evaluations)
        return wait(lambda: self.ended() >= wanted and self.ended(), f"{wanted} candidates to end")


def ended(run: Path) -> int:
    """Candidates of a search that have an outcome so far."""
    if not (run / "search.log").exists():  # the journal is being made
        return 0
    with RunDirectory.open(run, read_only=True) as found:
        counts = found.journal.counts()
    return counts["done"] + counts["failed"]


def tell(fault: str, what: str) -> None:
    print(f"{fault:28} {what}", flush=True)


def wait(found: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.2)
    raise RuntimeError(f"waited {LONGEST:g} seconds for {what}")


def settings(world: World, tracking: str) -> SearchConfig:
    """A search of many small networks on the world's cluster."""
    return SearchConfig.of(
        {
            "data": str(stored(world.folder)), "run": str(world.run), "evaluations": world.evaluations, "population": 8,
            "cohort": 4, "validation": "folds:2", "first_epochs": 1, "confirm": 2, "space": {**SPACE, "epochs": [2, 6]},
            "address": world.nodes.address, "candidate_time": 20.0, "memory_per_worker": 2.0,
            "tracking": tracking,
        }
    )  # fmt: skip

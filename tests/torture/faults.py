"""Ten faults in one search on a real Ray cluster of two nodes with a real MLflow server, and how the search took each.

    python -m tests.torture.faults

Exit status 1 if anything was lost: a candidate that is not in the journal, one that failed but was not to blame, a
generation that is not in MLflow, or weights that were taken from a damaged file.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.tracking.outbox import Outbox
from tests.support.cluster.tiny import SPACE, stored
from tests.support.places import ROOT
from tests.torture.faulty import DIVERGES, HANGS, HOARDS

EVALUATIONS = 1500
LONGEST = 120.0
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
    driver: str = DRIVER
    search: subprocess.Popen[str] | None = None
    server: subprocess.Popen[str] | None = None
    nodes: Any = None
    others: list[Any] = field(default_factory=list)
    port: int = 0
    told: list[tuple[str, str]] = field(default_factory=list)

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def log(self) -> str:
        path = self.run / "search.log"
        return path.read_text() if path.exists() else ""

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"}

    def start_cluster(self, others: int = 1) -> None:
        """Two cores on the head, and one on each of the other nodes."""
        from ray.cluster_utils import Cluster

        self.nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "node_ip_address": "127.0.0.2"})
        self.others = [self.add_node() for _ in range(others)]
        self.nodes.wait_for_nodes()

    def add_node(self) -> Any:
        return self.nodes.add_node(num_cpus=1, node_ip_address="127.0.0.2")

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
        if not (self.run / "journal.sqlite").exists():
            return 0
        with RunDirectory.open(self.run, read_only=True) as run:
            counts = run.journal.counts()
        return counts["done"] + counts["failed"]

    def await_more(self, count: int = 5) -> int:
        """Wait until so many more candidates have ended: the search is alive."""
        wanted = min(self.ended() + count, EVALUATIONS)
        return wait(lambda: self.ended() >= wanted and self.ended(), f"{wanted} candidates to end")

    def tell(self, fault: str, what: str) -> None:
        self.told.append((fault, what))
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
            "data": str(stored(world.folder)), "run": str(world.run), "evaluations": EVALUATIONS, "population": 8,
            "cohort": 4, "validation": "folds:2", "first_epochs": 1, "confirm": 2, "space": {**SPACE, "epochs": [2, 6]},
            "address": world.nodes.address, "candidate_time": 20.0, "memory_per_worker": 2.0,
            "tracking": tracking,
        }
    )  # fmt: skip


def kill_worker(world: World) -> None:
    found = subprocess.run(["pgrep", "-f", "ray::_Actor"], capture_output=True, text=True, check=True)
    os.kill(int(found.stdout.split()[0]), signal.SIGKILL)
    wait(lambda: "died and is replaced" in world.log, "the worker's death to be noticed")
    world.tell("worker SIGKILL", f"replaced, its cohort ran again; {world.await_more()} ended")


def kill_node(world: World) -> None:
    world.nodes.remove_node(world.others.pop(), allow_graceful=False)
    world.tell("node killed", f"the search goes on with the other node; {world.await_more(12)} ended")


def stop_mlflow(world: World) -> None:
    world.stop_server()
    before = world.await_more(12)
    waiting = len(list((world.run / "outbox").glob("0*.json")))
    world.start_server()
    wait(lambda: len(list((world.run / "outbox").glob("0*.json"))) < max(2, waiting), "records to be sent")
    world.tell("MLflow stopped", f"{before} ended meanwhile, {waiting} records waited and were sent when it was back")


def lock_mlflow(world: World) -> None:
    with closing(sqlite3.connect(world.folder / "mlflow.db", isolation_level=None, timeout=30)) as database:
        database.execute("BEGIN EXCLUSIVE")
        ended = world.await_more(12)
        database.execute("ROLLBACK")
    world.tell("MLflow's SQLite locked", f"{ended} ended meanwhile")


def fill_disk(world: World) -> None:
    assert world.search is not None and world.search.stderr is not None
    resource.prlimit(world.search.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    status = world.search.wait(LONGEST)
    said = next(line for line in world.search.stderr.read().splitlines() if line.startswith("haemsa:"))
    ended = world.ended()
    world.start_search()
    world.await_more()
    world.tell("disk quota reached", f"status {status}, {said[:70]!r}; resumed from {ended}")


def kill_driver(world: World) -> None:
    assert world.search is not None
    world.search.kill()
    world.search.wait()
    ended = world.ended()
    damaged = sorted((world.run / "states").glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
    for path in damaged:
        path.write_bytes(path.read_bytes()[:-7])
    world.start_search()
    world.await_more(12)
    world.tell("driver SIGKILL", f"resumed from {ended}")
    noticed = world.log.count("are damaged and left out")
    world.tell("weights damaged", f"{len(damaged)} files cut short, {noticed} noticed when they were needed, none used")


def end(world: World) -> list[str]:
    """Let the search end. Returns what was lost."""
    assert world.search is not None
    status = world.search.wait(600)
    with RunDirectory.open(world.run, read_only=True) as run:
        rows = list(run.journal.rows())
        generations = max(row.generation or 0 for row in rows)
        waiting = len(Outbox.of(run.path).waiting())
    failed = {row.id: row.failure.kind for row in rows if row.failure}
    for fault, number in (
        ("genome that diverges", DIVERGES),
        ("genome that never ends", HANGS),
        ("genome that hoards", HOARDS),
    ):
        world.tell(fault, f"candidate {number} failed ({failed.get(number)}), its neighbours did not")
    lost = []
    if status:
        lost.append(f"the search ended with status {status}")
    if [row.id for row in rows] != list(range(EVALUATIONS)) or any(row.status == "asked" for row in rows):
        lost.append(f"the journal has {len(rows)} candidates, not all ended")
    if failed != {DIVERGES: "nan", HANGS: "timeout", HOARDS: "memory"}:
        lost.append(f"failed are {failed}")
    if waiting or seen_generations(world) < generations:
        lost.append(f"{waiting} records wait, MLflow has {seen_generations(world)} of {generations} generations")
    return lost


def seen_generations(world: World) -> int:
    from haemsa.cluster.tracking.client import connect

    client = connect(f"http://127.0.0.1:{world.port}")
    experiment = client.get_experiment_by_name("tiny").experiment_id
    runs = client.search_runs([experiment], max_results=1000)
    return len({run.data.tags["haemsa.generation"] for run in runs if "haemsa.generation" in run.data.tags})


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        with socket.create_server(("127.0.0.1", 0)) as free:
            world.port = free.getsockname()[1]
        os.environ["PYTHONPATH"] = world.environment()["PYTHONPATH"]  # for the workers
        world.start_cluster()
        world.start_server()
        try:
            (world.folder / "search.yaml").write_text(settings(world, f"http://127.0.0.1:{world.port}").to_yaml())
            world.start_search()
            world.await_more()
            for inject in (kill_worker, kill_node, stop_mlflow, lock_mlflow, fill_disk, kill_driver):
                inject(world)
            lost = end(world)
        finally:
            world.stop()
    print("nothing was lost" if not lost else "LOST: " + "; ".join(lost))
    raise SystemExit(bool(lost))


if __name__ == "__main__":
    main()

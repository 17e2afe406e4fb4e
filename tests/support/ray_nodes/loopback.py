"""A Ray cluster on loopback, started as users start one, by `ray start`: with ports, folder and token of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

HEAD = "127.0.0.2"
"""Ray takes 127.0.0.1 for the machine's public address, at which nobody listens."""
PATIENCE = 120.0
"""Seconds that a node may take to start."""


@dataclass
class Loopback:
    """The cluster's processes, and the environment of who may use it."""

    folder: Path
    port: int
    jobs_port: int
    environment: dict[str, str]
    nodes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{HEAD}:{self.port}"

    def run(self, *command: str, cwd: Path | None = None, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """A command with the cluster's token."""
        return subprocess.run(
            command, cwd=cwd or self.folder, env=self.environment, capture_output=True, text=True, timeout=timeout,
            check=False,
        )  # fmt: skip

    def start(self, address: str, disk: Path, *options: str) -> None:
        """A node at an address of its own, with its files on `disk`, until it is stopped. Returns once it runs."""
        free = "--dashboard-agent-listen-port=0"  # agents want 127.0.0.1:52365, which another Ray here may have
        own = [f"--node-ip-address={address}", f"--temp-dir={disk}", "--object-store-memory=80000000", free]
        log = (self.folder / f"{address}.log").open("wb")
        node = subprocess.Popen(
            [*ray("start"), "--block", *own, *options],
            env=self.environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        self.nodes.append(node)
        end = time.monotonic() + PATIENCE
        while not (disk / "ray_current_cluster").exists():  # written last of all, after the job server answers
            if node.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"no node runs at {address}: {Path(log.name).read_text()[-2000:]}")
            time.sleep(0.2)

    def stop(self) -> None:
        for node in reversed(self.nodes):
            node.terminate()
        for node in self.nodes:
            try:
                node.wait(20)
            except subprocess.TimeoutExpired:
                node.kill()
            with suppress(ProcessLookupError):
                os.killpg(node.pid, signal.SIGKILL)


def ray(*words: str) -> list[str]:
    """Ray's own command, of this interpreter."""
    return [sys.executable, "-m", "ray.scripts.scripts", *words]


@contextmanager
def cluster(cpus: Sequence[int], gpus: int = 0, labels: str = "") -> Iterator[Loopback]:
    """A head of `cpus[0]` cores, which claims so many GPUs, and a node for each of the others, which has the labels."""
    folder = Path(tempfile.mkdtemp(prefix="hl", dir="/tmp"))  # short, as the paths of sockets must be
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "PYTHONPATH", "MLFLOW_"))}
    environment = {
        **kept,
        "RAY_AUTH_MODE": "token", "HOME": str(folder), "RAY_USAGE_STATS_ENABLED": "0",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]), "RAY_TMPDIR": str(folder),
    }  # fmt: skip
    with socket.create_server((HEAD, 0)) as one, socket.create_server((HEAD, 0)) as other:
        ports = one.getsockname()[1], other.getsockname()[1]
    found = Loopback(folder, *ports, environment)
    try:
        made = found.run(*ray("get-auth-token", "--generate"))
        assert made.returncode == 0, made.stderr
        jobs = [f"--dashboard-host={HEAD}", f"--dashboard-port={found.jobs_port}"]
        head = ["--head", f"--port={found.port}", f"--num-cpus={cpus[0]}", f"--num-gpus={gpus}", *jobs]
        found.start(HEAD, folder / "ray", *head)
        for number, count in enumerate(cpus[1:], start=3):
            # a disk for each: what was shipped goes when a node is done
            joins = [f"--address={found.address}", f"--num-cpus={count}", "--num-gpus=0", f"--labels={labels}"]
            found.start(f"127.0.0.{number}", folder / str(number), *joins)
        yield found
    finally:
        found.stop()
        shutil.rmtree(folder, ignore_errors=True)

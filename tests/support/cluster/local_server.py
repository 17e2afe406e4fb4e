"""Servers on loopback, each in a process group of its own that ends with the test."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE = 300.0
"""Seconds until a server must answer, on a machine that is busy with other things."""


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mlflow_running(
    words: Sequence[str], health: str, folder: Path, variables: Mapping[str, str], python: Path = Path(sys.executable)
) -> Iterator[str]:
    """`mlflow WORDS` on a free port, as soon as it answers at the path `health`; gives its address.

    `python` is that of its environment; if it is another, it finds nothing of the tests' own.
    """
    port = free_port()
    command = [str(python), "-m", "mlflow", *words, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"  # it calls uvicorn by name
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "server.log").open("wb") as log:
        environment = {**os.environ, "PATH": path, **quiet, **variables}
        if python != Path(sys.executable):
            environment.pop("PYTHONPATH", None)
        server = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True
        )  # fmt: skip
        try:
            address = f"http://127.0.0.1:{port}"
            _await(f"{address}{health}", server, folder / "server.log")
            yield address
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)  # asked to end it waits for connections
            server.wait()


def _await(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            if ask(address)[0] == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"nobody answers at {address}: {log.read_text()[-2000:]}")


def ask(address: str, value: Any = None) -> tuple[int, str]:
    """Status and body of a request, which sends `value` as JSON if there is one."""
    body = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()

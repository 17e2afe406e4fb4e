"""The Ray cluster that a search trains on: joined or started, and how many workers it has room for."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from typing import Any

import ray
from ray.exceptions import RayError

_KINDS = {"cpus": "CPU", "gpus": "GPU"}


def connect(address: str | None, timeout: float, workers: int | None = None) -> None:
    """Join the Ray cluster at `address` (None: RAY_ADDRESS). Without an address, start one here, bound to loopback.

    Args:
        address: HOST:PORT, ray://HOST:PORT, or "auto".
        timeout: Seconds that a cluster at the address may take to answer.
        workers: Cores of a cluster that is started here. None: all.

    Raises:
        ValueError: If no cluster answers in time, or if it does not let us in.
    """
    if ray.is_initialized():
        return
    address = address or os.environ.get("RAY_ADDRESS") or None
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        # Ray would join a cluster that happens to run here; a search without an address has its own.
        ray.init(address="local", num_cpus=workers, include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
        return
    _await(address, timeout)
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, RayError) as error:
        raise ValueError(f"Ray at {address} does not let us in: {str(error).splitlines()[0]}") from None


def _await(address: str, timeout: float) -> None:
    """Return as soon as Ray answers at `address`.

    Raises ValueError after `timeout` seconds without an answer, or immediately if Ray asks for a token that we lack.
    """
    if address == "auto":
        return
    end = time.monotonic() + timeout
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit() or "/" in host:  # http://... only takes jobs
        raise ValueError(f"address is {address!r}, expected HOST:PORT, ray://HOST:PORT or auto")
    problem: str | None = ""
    while (left := end - time.monotonic()) > 0:
        try:
            with socket.create_connection((host, int(port)), timeout=left):
                pass
            problem = _try(address, max(1.0, end - time.monotonic()))
            if problem is None:
                return
        except OSError:
            pass
        time.sleep(min(0.5, max(0.0, end - time.monotonic())))
    raise ValueError(f"no Ray answers at {address} within {timeout:g} seconds{problem}")


def _try(address: str, timeout: float) -> str | None:
    """Join and leave again, in another process, because Ray's client can wait much longer than it is told to.

    Returns None if that went well; otherwise the end of a sentence that says why not. ValueError for a bad token.
    """
    code = "import sys, ray; ray.init(address=sys.argv[1], log_to_driver=False, logging_level='ERROR')"
    once = {**os.environ, "RAY_NUM_REDIS_GET_RETRIES": "1"}  # otherwise Ray asks 20 times
    try:
        ended = subprocess.run(
            [sys.executable, "-c", code, address], env=once, timeout=timeout, capture_output=True, check=False
        )
        if ended.returncode == 0:
            return None
        said = ended.stderr
    except subprocess.TimeoutExpired as error:
        said = error.stderr or b""
    text = said.decode(errors="replace").strip()
    if "InvalidAuthToken" in text:
        token = "that of its head in RAY_AUTH_TOKEN or ~/.ray/auth_token, and RAY_AUTH_MODE=token"
        raise ValueError(f"Ray at {address} asks for a token, expected {token}")
    return f", the last that was heard: {text.splitlines()[-1][:300]}" if text else ""


def room_for(cpus: float, gpus: float) -> int:
    """How many workers of this size the nodes of the cluster have room for."""
    return sum(_room_on(node["Resources"], cpus, gpus) for node in _alive())


def shape() -> dict[str, float]:
    """Nodes, cores and GPUs of the cluster that was joined."""
    nodes = _alive()
    totals = {name: sum(node["Resources"].get(key, 0) for node in nodes) for name, key in _KINDS.items()}
    return {"nodes": len(nodes), **totals}


def _room_on(resources: dict[str, float], cpus: float, gpus: float) -> int:
    room = int(resources.get("CPU", 0) // cpus)
    if gpus:  # a fraction of a GPU must be of one GPU
        available = resources.get("GPU", 0)
        room = min(room, int(available) * int(1 / gpus) if gpus < 1 else int(available / gpus))
    return room


def count_workers(cpus: float, gpus: float) -> int:
    """As `room_for`, but at least one. Raises ValueError if there are too few GPUs for one worker."""
    room = room_for(cpus, gpus)
    if gpus and not room:
        available = sum(node["Resources"].get("GPU", 0) for node in _alive())
        raise ValueError(f"a worker asks for {gpus:g} GPUs, but the cluster has {available:g}")
    return max(1, room)


def _alive() -> list[dict[str, Any]]:
    return [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def dead_nodes() -> set[str]:
    """Ids of the nodes that have left the cluster."""
    return {str(node["NodeID"]) for node in ray.nodes() if not node["Alive"]}  # type: ignore[no-untyped-call]

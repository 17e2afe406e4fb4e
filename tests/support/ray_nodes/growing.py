"""A Ray cluster on loopback that grows: a head without cores, and Ray's own autoscaler, which starts nodes here.

It is what `ray.cluster_utils.AutoscalingCluster` starts. That class cannot be used beside others: it begins and ends
with `ray stop --force`, which kills every Ray of the machine, and it needs a file that Ray's wheels lack.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.ray_nodes.loopback import HEAD, PATIENCE, ray

TOKEN = {"RAY_AUTH_MODE": "token"}
IDLE = 3.0
"""Seconds after which a node without work is removed."""


@contextmanager
def growing(kinds: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The address of a cluster that starts nodes of these `kinds`, each with its "resources" and "max_workers".

    Drivers need `TOKEN` in their environment from the start.
    """
    folder = Path(tempfile.mkdtemp(prefix="hg", dir="/tmp"))  # short, as the paths of sockets must be
    with socket.create_server((HEAD, 0)) as free:
        address = f"{HEAD}:{free.getsockname()[1]}"
    environment = {**os.environ, **TOKEN, "RAY_FAKE_CLUSTER": "1", "AUTOSCALER_UPDATE_INTERVAL_S": "1"}
    (folder / "autoscaler.json").write_text(json.dumps(_settings(address, kinds)))
    options = [f"--port={address.rpartition(':')[2]}", "--num-cpus=0", f"--node-ip-address={HEAD}", "--block"]
    quick = {"health_check_period_ms": 500, "health_check_timeout_ms": 5000, "health_check_failure_threshold": 2}
    options += [f"--system-config={json.dumps(quick)}"]
    options += [f"--temp-dir={folder}", "--include-dashboard=false", "--object-store-memory=80000000"]
    with (folder / "log").open("wb") as log:
        head = subprocess.Popen(
            [*ray("start"), "--head", *options, f"--autoscaling-config={folder / 'autoscaler.json'}"],
            env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        end = time.monotonic() + PATIENCE
        while not (folder / "ray_current_cluster").exists():
            if head.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"no head runs at {address}: {(folder / 'log').read_text()[-2000:]}")
            time.sleep(0.2)
        yield address
    finally:
        head.terminate()
        with suppress(subprocess.TimeoutExpired):
            head.wait(5)
        with suppress(ProcessLookupError):
            os.killpg(head.pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def _settings(address: str, kinds: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """As Ray's example of several nodes on one machine has them."""
    provider = {
        "type": "fake_multinode", "use_node_id_as_ip": True, "disable_node_updaters": True,
        "disable_launch_config_check": True, "gcs_address": address, "launch_multiple": True,
    }  # fmt: skip
    lists = (
        "cluster_synced_files", "rsync_exclude", "rsync_filter", "initialization_commands", "setup_commands",
        "head_setup_commands", "worker_setup_commands", "head_start_ray_commands", "worker_start_ray_commands",
    )  # fmt: skip
    head = {"resources": {}, "node_config": {}, "max_workers": 0}
    return {
        "cluster_name": "growing", "max_workers": 8, "upscaling_speed": 1.0, "idle_timeout_minutes": IDLE / 60,
        "provider": provider, "head_node_type": "ray.head.default", "auth": {}, "docker": {}, "file_mounts": {},
        "file_mounts_sync_continuously": False, **{name: [] for name in lists},
        "available_node_types": {
            "ray.head.default": head,
            **{name: {"node_config": {}, "min_workers": 0, **kind} for name, kind in kinds.items()},
        },
    }  # fmt: skip


def kill_node(node: str, address: str) -> None:
    """End the process of a node of the cluster at `address`, as a machine does that is taken away."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = place.read_bytes().decode(errors="replace").split("\0")
            if words[0].endswith("/raylet") and {f"--node_id={node}", f"--gcs-address={address}"} <= set(words):
                os.kill(int(place.parent.name), signal.SIGKILL)

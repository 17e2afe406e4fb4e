"""What the Ray cluster has that a search trains on: nodes, cores and GPUs, and room for how many workers."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import ray

from haemsa.cluster.workers.elastic.needs import Needs

_KINDS = {"cpus": "CPU", "gpus": "GPU"}


def room_for(needs: Needs, without: Collection[str] = ()) -> int:
    """How many workers with these needs the cluster has room for, `without` the nodes that have these ids."""
    return sum(needs.room_on(node) for node in alive() if node["NodeID"] not in without)


def shape() -> dict[str, float]:
    """Nodes, cores and GPUs of the cluster that was joined."""
    nodes = alive()
    totals = {name: sum(node["Resources"].get(key, 0) for node in nodes) for name, key in _KINDS.items()}
    return {"nodes": len(nodes), **totals}


def free() -> str:
    """How much of the cluster nobody uses now, in words."""
    total, left = ray.cluster_resources(), ray.available_resources()  # type: ignore[no-untyped-call]
    kinds = {"cores": "CPU"} | ({"GPUs": "GPU"} if total.get("GPU") else {})
    return ", ".join(f"{left.get(key, 0):g} of {total.get(key, 0):g} {word} are free" for word, key in kinds.items())


def alive() -> list[dict[str, Any]]:
    """The nodes that are there."""
    return [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def addresses() -> dict[str, str]:
    """The addresses of all nodes that are or were there, by their ids."""
    nodes = ray.nodes()  # type: ignore[no-untyped-call]
    return {str(node["NodeID"]): f"node {node['NodeManagerAddress']}" for node in nodes}


def dead_nodes() -> set[str]:
    """Ids of the nodes that have left the cluster."""
    return {str(node["NodeID"]) for node in ray.nodes() if not node["Alive"]}  # type: ignore[no-untyped-call]

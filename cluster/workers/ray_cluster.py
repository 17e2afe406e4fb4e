"""What the Ray cluster has that a search trains on: nodes, cores and GPUs, and room for how many workers."""

from __future__ import annotations

from typing import Any

import ray

_KINDS = {"cpus": "CPU", "gpus": "GPU"}


def room_for(cpus: float, gpus: float) -> int:
    """How many workers of this size the nodes of the cluster have room for."""
    return sum(_room_on(node["Resources"], cpus, gpus) for node in _alive())


def shape() -> dict[str, float]:
    """Nodes, cores and GPUs of the cluster that was joined."""
    nodes = _alive()
    totals = {name: sum(node["Resources"].get(key, 0) for node in nodes) for name, key in _KINDS.items()}
    return {"nodes": len(nodes), **totals}


def free() -> str:
    """How much of the cluster nobody uses now, in words."""
    total, left = ray.cluster_resources(), ray.available_resources()  # type: ignore[no-untyped-call]
    kinds = {"cores": "CPU"} | ({"GPUs": "GPU"} if total.get("GPU") else {})
    return ", ".join(f"{left.get(key, 0):g} of {total.get(key, 0):g} {word} are free" for word, key in kinds.items())


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

"""The place that a `Compute` names: a Ray that is joined or started, and the device of its workers."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from haemsa.cluster.config import Compute


@contextmanager
def joined_ray(compute: Compute, most: int | None = None) -> Iterator[int | None]:
    """Ray while the block runs, joined or started. Gives the workers wanted (None: auto).

    Args:
        compute: Where.
        most: So many workers are enough. A Ray that is started has no more cores.

    Raises:
        ValueError: If no Ray cluster answers, or if it has no room for so many workers.
    """
    from haemsa.cluster.workers.ray_cluster import count_workers
    from haemsa.cluster.workers.ray_session import connected

    enough = most or math.inf
    wanted = None if compute.workers == "auto" else int(min(compute.workers, enough))
    cores = wanted or int(min(os.cpu_count() or 1, enough))
    with connected(compute.address, compute.address_timeout, cores):
        room = count_workers(1.0, compute.gpus_per_worker)
        if wanted and wanted > room:
            raise ValueError(f"workers is {wanted}, but the Ray cluster has room for {room}")
        yield wanted


def shared_ray(compute: Compute) -> AbstractContextManager[int | None]:
    """All work in the block uses the same Ray, if it uses Ray: to start it takes seconds."""
    return nullcontext() if compute.backend == "inline" else joined_ray(compute)


def device_of(compute: Compute) -> str:
    """Where networks are trained, as torch calls it."""
    return "cuda" if compute.gpus_per_worker > 0 else "cpu"

"""The place that a `Compute` names: a Ray that is joined or started, and the device of its workers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from joblib import cpu_count

from haemsa.cluster.config import Compute
from haemsa.cluster.workers.elastic.crew import Crew


@contextmanager
def joined_ray(compute: Compute, name: str, most: int | None = None) -> Iterator[Crew]:
    """Ray while the block runs, joined or started. Gives the workers that are wanted.

    Args:
        compute: Where.
        name: Whose workers they are.
        most: So many workers are enough. A Ray that is started has no more cores.

    Raises:
        ValueError: If no Ray cluster answers, or if it has no room for so many workers and cannot grow.
    """
    from haemsa.cluster.workers.elastic.room import check_room
    from haemsa.cluster.workers.ray_session import connected

    crew = Crew.of(compute, name).at_most(most)
    # Ray itself counts all cores of a container's quota, but not those that taskset or Slurm keep for others
    here = crew.count or min(cpu_count(), crew.most or sys.maxsize)
    with connected(compute.address, compute.address_timeout, here):
        check_room(crew)
        yield crew


def shared_ray(compute: Compute) -> AbstractContextManager[Crew | None]:
    """All work in the block uses the same Ray, if it uses Ray: to start it takes seconds."""
    return nullcontext() if compute.backend == "inline" else joined_ray(compute, "haemsa")


def device_of(compute: Compute) -> str:
    """Where networks are trained, as torch calls it."""
    return "cuda" if compute.gpus_per_worker > 0 else "cpu"

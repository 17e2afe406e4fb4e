"""Makes what trains, as the settings ask: in this process, or workers on a Ray cluster that is joined or started."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.workers.cohort_trainer import CohortTrainer, WorkerData
from haemsa.cluster.workers.evaluator import Evaluator, InlineEvaluator, TrainCohort


def new_evaluator(config: SearchConfig, data: WorkerData) -> Evaluator:
    """What trains networks, as configured. Raises ValueError if no Ray cluster answers, or if it has no room."""
    if config.backend == "inline":
        return InlineEvaluator(CohortTrainer(data))
    from haemsa.cluster.workers.node_copies import trainer_maker

    return ray_workers(config, trainer_maker, data)


def ray_workers(config: SearchConfig, maker: Callable[[Any], Callable[[Any], TrainCohort]], data: Any) -> Evaluator:
    """Workers as configured, on a Ray cluster that is joined or started first.

    Args:
        config: The settings.
        maker: Is called with `data` here, once Ray runs. It gives what makes a trainer in each worker.
        data: What every worker gets.

    Raises:
        ValueError: If no Ray cluster answers, or if it has no room.
    """
    from haemsa.cluster.workers.ray_evaluator import RayEvaluator

    wanted = join_ray(config)
    memory = config.memory_per_worker * 2**30 if config.memory_per_worker else None
    limit = config.candidate_time
    return RayEvaluator(maker(data), data, wanted, gpus=config.gpus_per_worker, limit=limit, memory=memory)


def join_ray(config: SearchConfig) -> int | None:
    """Join or start a Ray cluster. Returns the workers wanted (None: auto). ValueError if it has no room for them."""
    from haemsa.cluster.workers.ray_cluster import connect, count_workers

    wanted = None if config.workers == "auto" else config.workers
    connect(config.address, config.address_timeout, wanted or os.cpu_count())
    room = count_workers(1.0, config.gpus_per_worker)
    if wanted and wanted > room:
        raise ValueError(f"workers is {wanted}, but the Ray cluster has room for {room}")
    return wanted


def described(config: SearchConfig, evaluator: Evaluator) -> dict[str, Any]:
    """What a search runs on, in a few words and numbers."""
    facts = {"backend": config.backend, "workers": evaluator.workers, "device": device_of(config)}
    if config.backend == "inline":
        return facts
    from haemsa.cluster.workers.ray_cluster import shape

    return {**facts, **shape()}


def device_of(config: SearchConfig) -> str:
    """Where networks are trained, as torch calls it."""
    return "cuda" if config.gpus_per_worker > 0 else "cpu"

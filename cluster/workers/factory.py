"""Makes what trains, as the settings ask: in this process, or workers on a Ray cluster that is joined or started."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.shared.noted import warnings_noted
from haemsa.cluster.shared.progress import Progress
from haemsa.cluster.workers.cohort_trainer import CohortTrainer, WorkerData
from haemsa.cluster.workers.evaluator import Evaluator, InlineEvaluator, TrainCohort
from haemsa.cluster.workers.tasks.place import device_of, joined_ray


@contextmanager
def evaluator_for(config: SearchConfig, data: WorkerData, progress: Progress) -> Iterator[Evaluator]:
    """What trains networks while the block runs, as configured. See `ray_workers`."""
    if config.backend == "inline":
        with closing(InlineEvaluator(CohortTrainer(data))) as evaluator:
            yield evaluator
        return
    from haemsa.cluster.workers.node_copies import trainer_maker

    with ray_workers(config, trainer_maker, data, progress) as workers:
        yield workers


@contextmanager
def ray_workers(
    config: SearchConfig, maker: Callable[[Any], Callable[[Any], TrainCohort]], data: Any, progress: Progress
) -> Iterator[Evaluator]:
    """Workers while the block runs, as configured, on a Ray cluster that is joined or started first.

    Args:
        config: The settings.
        maker: Is called with `data` here, once Ray runs. It gives what makes a trainer in each worker.
        data: What every worker gets.
        progress: Is told when workers wait, die or leave.

    Raises:
        ValueError: If no Ray cluster answers, or if it has no room.
    """
    from haemsa.cluster.workers.ray_evaluator import RayEvaluator

    with (
        warnings_noted(progress, "haemsa.cluster.workers"),
        joined_ray(config, config.title) as crew,
        closing(RayEvaluator.of(maker(data), data, crew, limit=config.candidate_time)) as evaluator,
    ):
        yield evaluator


def described(config: SearchConfig, evaluator: Evaluator) -> dict[str, Any]:
    """What a search runs on, in a few words and numbers."""
    facts = {"backend": config.backend, "workers": evaluator.workers, "device": device_of(config)}
    if config.backend == "inline":
        return facts
    from haemsa.cluster.workers.elastic.nodes import shape

    return {**facts, **shape()}

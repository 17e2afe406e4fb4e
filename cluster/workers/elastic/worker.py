"""A worker: an actor that trains, and what its pool knows of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, RayActorError, RayError

from haemsa.cluster.workers.elastic.nodes import dead_nodes
from haemsa.cluster.workers.evaluator import JobBatch, TrainCohort, measure
from haemsa.cluster.workers.job import Result
from haemsa.cluster.workers.limits import limit_memory
from haemsa.model.spec.genome import Genome


class HaemsaWorker:
    """The body of an actor: it makes what trains once, and keeps it."""

    _train: TrainCohort

    def node(self) -> str:
        """Answers as soon as the actor has its cores. To prepare it takes longer."""
        return str(ray.get_runtime_context().get_node_id())

    def prepare(self, make: Callable[[Any], TrainCohort], data: Any, memory: float | None) -> None:
        """Make what trains."""
        limit_memory(memory)
        self._train = make(data)

    def evaluate(self, cohort: JobBatch) -> tuple[list[Result], float]:
        """The results of a cohort, and the seconds that it took."""
        start = time.perf_counter()
        results = self._train(cohort)
        return results, time.perf_counter() - start

    def fastest_cohort(self, genomes: Sequence[Genome]) -> int | None:
        """See `measure`."""
        return measure(self._train, genomes)


@dataclass
class Worker:
    """What is known of an actor.

    `placed`: Ray's reference of its node, which is there once the worker has its cores. `node`: the id of its node, as
    far as that is known. `ready`: it can train. `rests_since`: when it was first seen without work.
    """

    actor: Any
    placed: Any
    node: str = ""
    ready: bool = False
    rests_since: float | None = None

    def find_node(self) -> None:
        """Take the node, once `placed` is there."""
        try:
            self.node = ray.get(self.placed)
        except RayError:  # it died before it answered: what else was asked of it says why
            return

    def left(self, error: RayError) -> bool:
        """Whether the node of the worker, which raised this, is gone."""
        told = isinstance(error, RayActorError) and (error.preempted or "its node has died" in str(error))
        return told or isinstance(error, ActorUnavailableError) or (bool(self.node) and self.node in dead_nodes())

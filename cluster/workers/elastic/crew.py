"""Which workers are wanted: how many, what each needs, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from haemsa.cluster.config import Compute
from haemsa.cluster.workers.elastic.needs import Needs


@dataclass(frozen=True)
class Crew:
    """The workers that are wanted.

    `count`: so many; None: as many as the cluster has room for, as its nodes come and go. `most`: never more than that.
    `memory`: bytes that a worker may take. `patience`: seconds without any worker, after which a cluster that can grow
    is given up. `name`: whose workers they are; their actors have that name.
    """

    count: int | None = None
    most: int | None = None
    needs: Needs = field(default_factory=Needs)
    memory: float | None = None
    patience: float = 900.0
    name: str = "haemsa"

    @classmethod
    def of(cls, compute: Compute, name: str) -> Crew:
        """The workers that the settings ask for."""
        return cls(
            compute.count,
            compute.most,
            Needs(1.0, compute.gpus_per_worker, compute.resources, compute.node_labels),
            compute.memory_per_worker * 2**30 if compute.memory_per_worker else None,
            compute.node_timeout,
            name,
        )

    def at_most(self, most: int | None) -> Crew:
        """So many workers are enough. None: any number.

        Example:
            >>> Crew(8).at_most(3).count, Crew(most=2).at_most(3).most
            (3, 2)
        """
        if most is None:
            return self
        count = None if self.count is None else min(self.count, most)
        return replace(self, count=count, most=min(most, self.most or most))

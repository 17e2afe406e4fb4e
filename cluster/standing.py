"""How a search stands: figures for the tracker, the progress bar and the summary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cluster.budget import Budget
from cluster.clock import Clock
from cluster.progress import Status
from cluster.vitals import memory_mib
from evo.evolution import Evolution
from model.spec import Genome


@dataclass(frozen=True)
class Standing:
    """Reads what a search is doing; changes nothing."""

    evolution: Evolution[Genome]
    clock: Clock
    budget: Budget

    def best(self) -> dict[str, float]:
        """The best mean of each objective over the front."""
        front = self.evolution.front()
        if not front:
            return {}
        pick = {"min": min, "max": max}
        directions = self.evolution.objectives.directions
        return {name: pick[way](item.scores[name].mean for item in front) for name, way in directions}

    @property
    def busy_fraction(self) -> float:
        """Share of the workers' time that was spent training."""
        return self.clock.busy_fraction

    def metrics(self) -> dict[str, float]:
        """What is logged with each generation; `system/` is what MLflow's page shows apart, of the machines."""
        archive = self.evolution.archive
        return {
            "hypervolume": self.evolution.hypervolume(),
            **{f"best_{name.replace('/', '_')}": value for name, value in self.best().items()},
            "front_size": float(archive.front_size),
            "evaluations": float(len(archive)),
            "failures": float(len(archive.failed)),
            "busy_fraction": self.busy_fraction,
            "system/workers": float(self.clock.workers),
            "system/driver_memory_mib": memory_mib(),
        }

    def status(self) -> Status:
        """What the progress bar shows."""
        archive, full = self.evolution.archive, self.evolution.ladder.full
        return Status(
            evaluations=len(archive),
            total=self.budget.total,
            failures=len(archive.failed),
            best=self.best(),
            front_size=archive.front_size,
            busy_fraction=self.busy_fraction,
            elapsed=self.clock.elapsed(),
            remaining=self.budget.remaining(),
            generation=self.evolution.generation,
            rung=(archive.top_level + 1, full + 1) if 0 <= archive.top_level < full else None,
        )

    def statistics(self) -> dict[str, Any]:
        """What the summary says of the search's cost."""
        archive, session = self.evolution.archive, self.clock.now() - self.clock.start
        return {
            "evaluations": len(archive),
            "failures": len(archive.failed),
            "wall_seconds": self.clock.elapsed(),
            "worker_busy_fraction": self.busy_fraction,
            "overhead_ms_per_evaluation": 1e3 * (session - self.clock.waited) / max(1, self.budget.told),
            "hypervolume": self.evolution.hypervolume(),
        }

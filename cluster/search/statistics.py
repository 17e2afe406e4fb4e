"""How a search stands: figures for the tracker, the progress bar and the summary."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haemsa.cluster.search.budget import Budget, Clock
from haemsa.cluster.shared.progress import Status
from haemsa.evo.evolution import Evolution
from haemsa.model.spec.genome import Genome


@dataclass(frozen=True)
class SearchStatistics:
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


_STATM = Path("/proc/self/statm")


def memory_mib() -> float:
    """MiB that this process has in memory; where the system does not tell, the most that it ever had."""
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit

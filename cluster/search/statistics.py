"""What is shown of a search: on the progress bar, to the tracker after each generation, and in the summary."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from haemsa.cluster.run_directory.tables import evaluated_rows, point, thinned
from haemsa.cluster.search.budget import LEAST_LEFT, Budget, Clock
from haemsa.cluster.shared.progress import Status
from haemsa.evo.candidate import Evaluated, Failed
from haemsa.evo.evolution import Evolution
from haemsa.model.spec.genome import Genome

MOST_POINTS: Final = 1000
"""At most so many candidates stand behind the front in the picture of a generation."""
_STATM: Final = Path("/proc/self/statm")


@dataclass(frozen=True)
class SearchStatistics:
    """Reads what a search is doing; changes nothing."""

    evolution: Evolution[Genome]
    clock: Clock
    budget: Budget

    def status(self) -> Status:
        """What the progress bar shows."""
        archive, full = self.evolution.archive, self.evolution.ladder.full
        return Status(
            evaluations=len(archive),
            total=self.budget.total,
            failures=len(archive.failed),
            best=scores_of_best(self.evolution, self.evolution.front()),
            front_size=archive.front_size,
            busy_fraction=self.clock.busy_fraction,
            elapsed=self.clock.elapsed(),
            remaining=self.budget.remaining(),
            generation=self.evolution.generation,
            rung=(archive.top_level + 1, full + 1) if full and archive.top_level >= 0 else None,
            phase="climbing" if self.budget.spent() == "evaluations" else "",
        )

    def searched(self) -> Status:
        """The same when all has ended. What is left is to confirm the front."""
        return replace(self.status(), phase="", remaining=self.budget.forecast.confirming() or None)

    def confirming(self, done: int, total: int, seconds: float) -> Status:
        """The same while the front is confirmed. `done` of `total` genomes have ended, in so many seconds."""
        left = seconds / done * (total - done) if done else self.budget.forecast.confirming()
        phase = f"confirmed {done} of {total}"
        return replace(self.status(), phase=phase, remaining=max(LEAST_LEFT, left) if done < total else None)

    def confirmed(self, front: Sequence[Evaluated[Genome]], total: int) -> Status:
        """The same at the end: `front` has the confirmed scores of the best of `total` genomes."""
        best, size = scores_of_best(self.evolution, front), len(front)
        return replace(self.confirming(total, total, 0.0), best=best, front_size=size, confirmed=True)

    def metrics(self) -> dict[str, float]:
        """What the tracker gets of a generation, after it was logged: the last record of the evolution's logbook.

        MLflow's page shows `system/` apart: figures of the machines. A figure that nobody knows is left out.
        """
        logbook = self.evolution.logbook
        known: dict[str, float | None] = {
            name: logbook[-1][name] for name in ("hypervolume", "front_size", "evaluations")
        }
        known |= {f"best/{name}": value for name, value in best_scores(self.evolution, self.evolution.front()).items()}
        for name, chapter in logbook.chapters.items():
            known |= {f"{statistic}/{name}": chapter[-1][statistic] for statistic in ("mean", "spread")}
        return {
            **{name: float(value) for name, value in known.items() if value is not None},
            "failures": float(len(self.evolution.archive.failed)),
            "busy_fraction": self.clock.busy_fraction,
            "system/workers": float(self.clock.workers),
            "system/driver_memory_mib": memory_mib(),
            "system/driver_cpu_seconds": time.process_time(),
            **({"system/worker_gpu_mib": self.clock.gpu_mib} if self.clock.gpu_mib else {}),
        }

    def costs(self) -> dict[str, Any]:
        """What the summary says of the cost of the search."""
        archive, session = self.evolution.archive, self.clock.now() - self.clock.start
        return {
            "evaluations": len(archive),
            "children": sum(bool(archive.record(number).parents) for number in (*archive.evaluated, *archive.failed)),
            "failures": len(archive.failed),
            "wall_seconds": self.clock.elapsed(),
            "worker_busy_fraction": self.clock.busy_fraction,
            "overhead_ms_per_evaluation": 1e3 * (session - self.clock.waited) / max(1, self.budget.told),
            "hypervolume": self.evolution.covered(),
        }


def best_scores(evolution: Evolution[Genome], front: Sequence[Evaluated[Genome]]) -> dict[str, float]:
    """The best mean of each objective over a front. Empty if the front is."""
    if not front:
        return {}
    pick = {"min": min, "max": max}
    return {name: pick[way](item.scores[name].mean for item in front) for name, way in evolution.objectives.directions}


def scores_of_best(evolution: Evolution[Genome], front: Sequence[Evaluated[Genome]]) -> dict[str, float]:
    """The objectives of the first network of a front, the best in the first objective. Empty if the front is."""
    return {name: front[0].scores[name].mean for name in evolution.objectives.names} if front else {}


class GenerationTables:
    """The tables that the tracker gets of a generation, for as long as a search runs.

    `generation_of`: the generation in which each candidate was first told, by id. The driver fills it.
    """

    def __init__(self, evolution: Evolution[Genome], generation_of: Mapping[int, int]) -> None:
        self._evolution, self._generation_of = evolution, generation_of
        self._points: dict[int, dict[str, Any]] = {}
        for record in evolution.archive.evaluated.values():
            self.note(record)

    def note(self, record: Evaluated[Genome] | Failed[Genome]) -> None:
        """Keep the place of a candidate in the picture; forget it if the candidate failed."""
        if isinstance(record, Evaluated):
            self._points[record.id] = point(record, self._evolution.objectives.names)
        else:
            self._points.pop(record.id, None)

    def rows(self, front: Sequence[Evaluated[Genome]]) -> dict[str, Any]:
        """Rows of the survivors and of the front, and the points behind the front in the picture.

        Survivors with final scores come first, and among them the best in the first objective.
        """
        ids, evaluated = [item.id for item in front], self._evolution.archive.evaluated
        order = sorted(self._evolution.population, key=lambda item: (-item.level, item.losses[0], item.id))
        survivors = [evaluated[individual.id] for individual in order]
        return {
            "population": evaluated_rows(survivors, front=ids, generations=self._generation_of),
            "front": evaluated_rows(front, front=ids, generations=self._generation_of),
            "evaluated": thinned(list(self._points.values()), MOST_POINTS),
        }


def memory_mib() -> float:
    """MiB that this process has in memory. Where the system does not tell: the most that it ever had."""
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit

"""When a search may end: evaluations, time, or generations without progress; and how long it still takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.search.confirmation import confirming_replicates
from haemsa.cluster.workers.evaluator import Finished
from haemsa.evo.evolution import Evolution
from haemsa.evo.expert_space.bounds import Bounds
from haemsa.evo.nsga2 import Losses
from haemsa.evo.objectives import grew
from haemsa.model.spec.genome import Genome

Spent = Literal["evaluations", "time", "patience"]
LEAST_LEFT: Final = 1.0
"""So many seconds are left at least, while anything is left to do."""


class Budget:
    """What is left of the budget of a search. `saved`: what `state` gave when the search was last recorded."""

    def __init__(self, config: SearchConfig, evolution: Evolution[Genome], clock: Clock, saved: Any = None) -> None:
        self._config, self._evolution, self._clock = config, evolution, clock
        self._level: int
        self._stale: int
        self._level, front, self._stale = saved or (-1, [], 0)
        self._front = self._losses(front if isinstance(front, list) else [])  # older searches kept a volume
        self._told_at_start = len(evolution.archive)
        self.forecast = Forecast(config, evolution, clock)

    def state(self) -> list[Any]:
        """What must survive a restart."""
        return [self._level, self._front.tolist(), self._stale]

    def judge_progress(self) -> None:
        """A generation ended: count those since the hypervolume grew, or since the front rose to a higher level.

        The best front so far and that of now are compared below one reference point, which is beyond both.
        """
        archive = self._evolution.archive
        level, front = archive.top_level, archive.front_losses()
        progress = level > self._level or (level >= 0 and grew(front, self._front, archive.seen()))
        if progress:
            self._front = front
        self._level, self._stale = level, 0 if progress else self._stale + 1

    def _losses(self, rows: Sequence[Sequence[float]]) -> Losses:
        return np.array(rows, dtype=np.float64).reshape(-1, len(self._evolution.objectives.names))

    def spent(self) -> Spent | None:
        """The budget that is spent, so that the search may end. None while something is left of all budgets."""
        config = self._config
        if config.evaluations is not None and len(self._evolution.archive) >= config.evaluations:
            return "evaluations"
        if config.time is not None and self._clock.elapsed() >= config.time:
            return "time"
        if config.patience is not None and self._stale >= config.patience:
            return "patience"
        return None

    def new(self) -> int | None:
        """How many new candidates may still be asked for; None: any number."""
        if self._config.evaluations is None:
            return None
        return max(0, self._config.evaluations - self._evolution.given)

    def remaining(self) -> float | None:
        """Seconds left until the front is confirmed. None: unknown.

        The search ends by the time limit, or when all evaluations are made and have climbed: the smaller of the two.
        """
        estimates, forecast = list[float](), self.forecast
        if self._config.time is not None:
            estimates.append(max(self._config.time - self._clock.elapsed(), forecast.pending()))
        if self._config.evaluations is not None and self.told:
            estimates.append(forecast.climbing(self._config.evaluations))
        return max(LEAST_LEFT, min(estimates) + forecast.confirming()) if estimates else None

    @property
    def total(self) -> int | None:
        """The candidates that the search may evaluate; None: any number."""
        return self._config.evaluations

    @property
    def told(self) -> int:
        """Candidates that ended in this session."""
        return len(self._evolution.archive) - self._told_at_start


class Forecast:
    """How long the rest of a search takes, by what training on each rung took in this session."""

    def __init__(self, config: SearchConfig, evolution: Evolution[Genome], clock: Clock) -> None:
        self._evolution, self._clock = evolution, clock
        rungs = evolution.ladder.rungs
        folds = rungs[evolution.ladder.full].replicates
        replicates = confirming_replicates(folds, config.validation if folds > 1 else "holdout")
        self._confirmed_networks = config.confirm * replicates
        outcomes = evolution.archive.outcomes.values()
        self._ended = [sum(len(of_one) > rung for of_one in outcomes) for rung in range(len(rungs))]
        self._measured = [0] * len(rungs)
        self._seconds = [0.0] * len(rungs)
        self._usual = sum(epochs := Bounds.from_dict(config.space).epochs) / len(epochs)
        reached = [0.0, *(item.replicates * (item.epochs or self._usual) for item in rungs)]  # epochs of all replicates
        self._work = [max(1.0, here - below) for below, here in pairwise(reached)]

    def learn(self, rung: int, seconds: float) -> None:
        """A candidate ended on a rung, after so many seconds of a worker."""
        self._ended[rung] += 1
        self._measured[rung] += 1
        self._seconds[rung] += seconds

    def climbing(self, total: int) -> float:
        """Seconds until `total` candidates were evaluated, and the best of them have climbed as far as they may."""
        left, reached = 0.0, total
        for rung, ended in enumerate(self._ended):
            left += max(0, reached - ended) * self._cost(rung)
            reached //= self._evolution.ladder.eta
        return left * self._pace

    def pending(self) -> float:
        """Seconds until all that was asked for has ended."""
        return sum(self._cost(candidate.rung) for candidate in self._evolution.pending) * self._pace

    def confirming(self) -> float:
        """Seconds that the confirmation of the front takes."""
        full = self._evolution.ladder.full
        return self._confirmed_networks * self._usual * self._cost(full) / self._work[full] * self._pace

    @property
    def _pace(self) -> float:
        """Seconds on the wall for each second of a worker."""
        begun, trained = self._clock.first_submit, self._clock.trained
        return (self._clock.last_end - begun) / trained if begun is not None and trained > 0 else 1.0

    def _cost(self, rung: int) -> float:
        """Seconds of a worker for a candidate on a rung, as measured, or by the nearest rung that was measured."""
        known = [place for place, count in enumerate(self._measured) if count]
        if not known:
            return 0.0
        nearest = min(known, key=lambda place: abs(place - rung))
        return self._seconds[nearest] / self._measured[nearest] * self._work[rung] / self._work[nearest]


@dataclass
class Clock:
    """Where the time of a search went, in seconds.

    `before`: what earlier sessions of a resumed search took. `now`: tells the time; a simulated cluster has its own.
    """

    before: float = 0.0
    now: Callable[[], float] = time.perf_counter
    start: float = field(init=False)
    waited: float = 0.0
    """The driver waited so long for results."""
    busy: float = 0.0
    """All workers together trained so long."""
    first_submit: float | None = None
    last_end: float = 0.0
    workers: int = 0
    available: float = 0.0
    """All workers together were there so long, from the first submission to the last result."""
    gpu_mib: float = 0.0
    """The most memory of its GPU that a worker has taken."""
    _ended: dict[str, float] = field(default_factory=dict)
    _longest: float = 0.0
    _trained: float | None = None  # of `trained`, until something changes it

    def __post_init__(self) -> None:
        self.start = self.now()

    def elapsed(self) -> float:
        """Wall time of the search so far, with its earlier sessions."""
        return self.before + self.now() - self.start

    def collected(self, workers: int, waited: float) -> None:
        """Results came from so many workers, after so many seconds of waiting."""
        now = self.now()
        if self.first_submit is not None:
            self.available += workers * (now - max(self.first_submit, self.last_end))
        self.last_end, self.waited, self.workers = now, self.waited + waited, workers
        self._trained = None

    def ended(self, finished: Finished) -> None:
        """A cohort has ended."""
        self.busy += finished.seconds
        self._ended[finished.worker], self._longest = self.last_end, max(self._longest, finished.seconds)
        self.gpu_mib = max([self.gpu_mib, *(result.gpu_mib for result in finished.results)])
        self._trained = None

    @property
    def trained(self) -> float:
        """Seconds that all workers trained, with what they train now.

        What a worker trains now has taken as long as the worker returned nothing, but not longer than any cohort did.
        """
        if self._trained is None:
            since = np.full(max(self.workers, len(self._ended)), self.first_submit or 0.0)
            since[: len(self._ended)] = sorted(self._ended.values(), reverse=True)
            under_way = np.minimum(self.last_end - since[: self.workers], self._longest)
            self._trained = self.busy + float(under_way.sum())
        return self._trained

    @property
    def busy_fraction(self) -> float:
        """Share of the workers' time, from the first submission to the last result, that was spent training."""
        return min(1.0, self.busy / self.available) if self.available > 0 else 0.0

"""A space that can be learnt from: points on a line, whose error is the distance to a place that nobody knows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from haemsa.evo.candidate import Candidate, Score
from haemsa.evo.evolution import Evolution
from haemsa.evo.nsga2 import Losses
from haemsa.evo.rungs import Fidelity, Ladder
from haemsa.evo.settings import Mode

HIDDEN = 0.3
LADDER = Ladder((Fidelity(1), Fidelity(None, 2)), eta=3, full=1)
Point = tuple[float, float]


class Lines:
    """Points of two numbers from 0 to 1. The second one is the cost, and does nothing for the error."""

    def sample(self, rng: np.random.Generator) -> Point:
        return tuple(rng.random(2).round(6).tolist())

    def mutate(self, genome: Point, rng: np.random.Generator) -> Point:
        x, y = np.clip(np.array(genome) + rng.normal(0, 0.2, 2), 0, 1).round(6).tolist()
        return x, y

    def crossover(self, a: Point, b: Point, rng: np.random.Generator) -> tuple[Point, Point]:
        return (a[0], b[1]), (b[0], a[1])

    def key(self, genome: Point) -> str:
        return str(genome)

    def describe(self, genomes: Sequence[Point]) -> Losses:
        return np.array(genomes, dtype=np.float64).reshape(-1, 2)

    def known(self, genome: Point) -> dict[str, float]:
        return {"cost": genome[1]}


def search(mode: Mode = "steady", *, seed: int = 0, screening: int = 4, size: int = 12) -> Evolution[Point]:
    """A new search for points that are near the hidden place, and cheap."""
    return Evolution(
        Lines(), {"error": "min", "cost": "min"}, seed=seed, population_size=size, mode=mode, ladder=LADDER,
        screening=screening,
    )  # fmt: skip


def outcome(candidate: Candidate[Point]) -> dict[str, float | Score]:
    """Two noisy replicates at the end, and a worse and noisier one before."""
    x, y = candidate.genome
    rng = np.random.default_rng((int(x * 1e6), int(abs(y) * 1e6), candidate.rung))
    error = abs(x - HIDDEN) + (0.1 if candidate.rung == 0 else 0.0)
    count = LADDER.rungs[candidate.rung].replicates
    return {"error": Score.of((error + rng.normal(0, 0.02, count)).tolist()), "cost": y}


def run(evolution: Evolution[Point], evaluations: int, at_once: int = 4) -> None:
    """Evaluate until so many distinct candidates were asked for, and nothing waits."""
    while batch := evolution.ask(at_once, new=max(0, min(at_once, evaluations - evolution.given))):
        for candidate in batch:
            evolution.tell(candidate, outcome(candidate))

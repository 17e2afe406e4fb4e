"""A space of real vectors with simulated binary crossover and polynomial mutation, and problems ZDT1, ZDT2 and DTLZ2.

The operators are those of pymoo's NSGA-II, so that fronts can be compared after equally many evaluations: Deb's bounded
SBX (eta 15, probability 0.9, half of the variables) and bounded polynomial mutation (eta 20, probability 0.9, one
variable on average).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = tuple[float, ...]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class RealSpace:
    """Vectors in the unit cube."""

    size: int

    def sample(self, rng: np.random.Generator) -> Vector:
        return tuple(rng.random(self.size).tolist())

    def key(self, genome: Vector) -> str:
        return np.array(genome).tobytes().hex()

    def mutate(self, genome: Vector, rng: np.random.Generator) -> Vector:
        x, power = np.array(genome), 1 / 21
        chosen = (rng.random() < 0.9) & (rng.random(self.size) < 1 / self.size)
        u = rng.random(self.size)
        low = (2 * u + (1 - 2 * u) * (1 - x) ** 21) ** power - 1
        high = 1 - (2 * (1 - u) + 2 * (u - 0.5) * x**21) ** power
        return tuple(np.clip(np.where(chosen, x + np.where(u <= 0.5, low, high), x), 0, 1).tolist())

    def crossover(self, a: Vector, b: Vector, rng: np.random.Generator) -> tuple[Vector, Vector]:
        x, y = np.array(a), np.array(b)
        low, high = np.minimum(x, y), np.maximum(x, y)
        gap = high - low
        mixed = (rng.random() < 0.9) & (rng.random(self.size) < 0.5) & (gap > 1e-14)
        u, gap = rng.random(self.size), np.where(mixed, gap, 1.0)
        c = 0.5 * (low + high - _spread(1 + 2 * low / gap, u) * gap)
        d = 0.5 * (low + high + _spread(1 + 2 * (1 - high) / gap, u) * gap)
        swap = rng.random(self.size) < 0.5
        first = np.where(mixed, np.where(swap, d, c), x)
        second = np.where(mixed, np.where(swap, c, d), y)
        return tuple(np.clip(first, 0, 1).tolist()), tuple(np.clip(second, 0, 1).tolist())


def _spread(beta: Array, u: Array) -> Array:
    alpha = 2 - beta**-16.0
    inside = u <= 1 / alpha
    spread: Array = np.where(inside, u * alpha, 1 / np.where(inside, 1.0, 2 - u * alpha)) ** (1 / 16)
    return spread


def zdt1(x: Vector) -> dict[str, float]:
    """Convex front f2 = 1 - sqrt(f1); 30 variables."""
    g = 1 + 9 * sum(x[1:]) / (len(x) - 1)
    return {"f1": x[0], "f2": g * (1 - (x[0] / g) ** 0.5)}


def zdt2(x: Vector) -> dict[str, float]:
    """Concave front f2 = 1 - f1 squared; 30 variables."""
    g = 1 + 9 * sum(x[1:]) / (len(x) - 1)
    return {"f1": x[0], "f2": g * (1 - (x[0] / g) ** 2)}


def dtlz2(x: Vector) -> dict[str, float]:
    """The unit sphere's first octant, three objectives; 12 variables."""
    g = 1 + sum((v - 0.5) ** 2 for v in x[2:])
    a, b = x[0] * np.pi / 2, x[1] * np.pi / 2
    return {
        "f1": float(g * np.cos(a) * np.cos(b)),
        "f2": float(g * np.cos(a) * np.sin(b)),
        "f3": float(g * np.sin(a)),
    }

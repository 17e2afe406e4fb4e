"""Any parameters as a `Space`: what a genetic algorithm needs to search what others define.

Operators are those of NSGA-II (Deb et al., IEEE TEC 2002), from DEAP: simulated binary crossover, polynomial mutation.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from deap import tools

Path = tuple[str, ...]
"""Where a parameter lies in nested dictionaries."""
Vector = tuple[float, ...]
"""A genome: a place in [0, 1] for each parameter."""
CROSSOVER: Final = 0.9
"""Share of pairs that exchange something; children of the others are mutants of one parent."""
NEARNESS: Final = {"crossover": 15.0, "mutation": 20.0}
"""DEAP's `eta`: the larger, the nearer children are to their parents."""


class ParameterSpace:
    """A `Space` over parameters by path. Raises ValueError for none."""

    def __init__(self, parameters: Mapping[Path, Parameter]) -> None:
        if not parameters:
            raise ValueError("the space has no parameters, expected one or more")
        self.parameters = dict(parameters)
        self._each = tuple(self.parameters.values())
        self._choices = [place for place, parameter in enumerate(self._each) if isinstance(parameter, Choice)]

    def sample(self, rng: np.random.Generator) -> Vector:
        """All values of each parameter are as likely, on its scale."""
        return tuple(rng.random(len(self._each)).tolist())

    def mutate(self, genome: Vector, rng: np.random.Generator) -> Vector:
        """One parameter on average changes, numbers mostly by little."""
        chosen = np.flatnonzero(rng.random(len(genome)) < 1 / len(genome))
        mutant = list(genome)
        for place in chosen:
            mutant[place] = _moved(self._each[place], genome[place], rng)
        return tuple(mutant)

    def crossover(self, a: Vector, b: Vector, rng: np.random.Generator) -> tuple[Vector, Vector]:
        """Numbers of the children lie around those of the parents; of choices, each child gets one parent's."""
        if rng.random() >= CROSSOVER:
            return a, b
        with _drawn_from(rng):
            first, second = tools.cxSimulatedBinaryBounded(list(a), list(b), NEARNESS["crossover"], 0.0, 1.0)
        for place in self._choices:
            own, other = (a, b) if rng.random() < 0.5 else (b, a)
            first[place], second[place] = own[place], other[place]
        return tuple(first), tuple(second)

    def key(self, genome: Vector) -> str:
        """The values, choices by their number."""
        return json.dumps([parameter.code(place) for parameter, place in zip(self._each, genome, strict=True)])

    def values(self, genome: Vector) -> dict[str, Any]:
        """What a genome stands for, as nested dictionaries."""
        found: dict[str, Any] = {}
        for (path, parameter), place in zip(self.parameters.items(), genome, strict=True):
            inner = found
            for name in path[:-1]:
                inner = inner.setdefault(name, {})
            inner[path[-1]] = parameter.value(place)
        return found


def _moved(parameter: Parameter, place: float, rng: np.random.Generator) -> float:
    """Another place: for a number, near by; if that changes nothing, as for one of few values, anywhere."""
    if not isinstance(parameter, Choice):
        with _drawn_from(rng):
            ((near,),) = tools.mutPolynomialBounded([place], NEARNESS["mutation"], 0.0, 1.0, 1.0)
        if parameter.code(near) != parameter.code(place):
            return float(near)
    return float(rng.random())


@contextmanager
def _drawn_from(rng: np.random.Generator) -> Iterator[None]:
    """DEAP's operators draw from Python's global generator: in the block it follows `rng`, then it is as before."""
    before = random.getstate()
    random.seed(int(rng.integers(2**63)))
    try:
        yield
    finally:
        random.setstate(before)


def _check(kind: str, low: float, high: float, step: float | None, logarithmic: bool) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"a {kind} number has low {low} and high {high}, expected low to be at most high")
    if logarithmic and low <= 0:
        raise ValueError(f"a {kind} number has low {low}, expected more than 0 on a logarithmic scale")
    if step is not None and not (math.isfinite(step) and step > 0):
        raise ValueError(f"a {kind} number has step {step}, expected more than 0")


def _between(low: float, high: float, place: float, logarithmic: bool) -> float:
    if logarithmic:
        return math.exp(_between(math.log(low), math.log(high), place, False))
    return low + place * (high - low)


@dataclass(frozen=True)
class Real:
    """A number from `low` to `high`, on a logarithmic scale or not; with a `step`, one of its multiples."""

    low: float
    high: float
    logarithmic: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        _check("real", self.low, self.high, self.step, self.logarithmic)

    def code(self, place: float) -> float:
        """The value itself."""
        found = _between(self.low, self.high, place, self.logarithmic)
        if self.step is not None:
            found = round(found / self.step) * self.step
        return min(max(found, self.low), self.high)

    value = code


@dataclass(frozen=True)
class Whole:
    """A multiple of `step` from `low` to `high`, both included and multiples themselves."""

    low: int
    high: int
    logarithmic: bool = False
    step: int = 1

    def __post_init__(self) -> None:
        _check("whole", self.low, self.high, self.step, self.logarithmic)
        if self.low % self.step or self.high % self.step:
            raise ValueError(f"a whole number goes from {self.low} to {self.high}, expected multiples of {self.step}")

    def code(self, place: float) -> int:
        """The value itself."""
        first, last = self.low // self.step, self.high // self.step
        count = math.floor(_between(first, last + 1, place, self.logarithmic))
        return self.step * min(max(count, first), last)

    value = code


@dataclass(frozen=True)
class Choice:
    """One of some values, in no order; they may be of any kind."""

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a choice has no values, expected one or more")

    def code(self, place: float) -> int:
        """The number of the value."""
        return min(int(place * len(self.values)), len(self.values) - 1)

    def value(self, place: float) -> Any:
        """The value."""
        return self.values[self.code(place)]


Parameter = Real | Whole | Choice
"""`code(place)` tells the values of a parameter apart; `value(place)` is what a user gets."""

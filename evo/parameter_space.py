"""Any parameters as a `Space`: what a genetic algorithm needs to search what others define.

Operators are those of NSGA-II (Deb et al., IEEE TEC 2002), from DEAP: simulated binary crossover, polynomial mutation.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from deap import tools

from evo.parameters import Choice, Parameter

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

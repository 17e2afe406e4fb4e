"""The toolbox of a search, in DEAP's own terms. Take it, register other operators, and hand it to `Evolution`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar, runtime_checkable

from deap import base

from haemsa.evo.candidate import G
from haemsa.evo.operators.confined import generator
from haemsa.evo.operators.individual import Individual
from haemsa.evo.operators.selection import select, survive
from haemsa.evo.space import Space

Operator = TypeVar("Operator", bound=Callable[..., Any])


@runtime_checkable
class Registers(Protocol):
    """A space that has more operators than `Space` names."""

    def register(self, box: base.Toolbox) -> None:
        """Register them."""


class Repairs(Protocol):
    """A space that can bring a genome back into itself."""

    def repair(self, genome: Any) -> Any:
        """The nearest genome of the space."""


def toolbox(space: Space[Any]) -> base.Toolbox:
    """The operators of a search over `space`, under DEAP's names and with DEAP's signatures.

    As in DEAP, `mate` and `mutate` change the individuals that they are given, and operators draw from `random` and
    `numpy.random`. `Evolution` clones individuals first, and lends its own random numbers (confined.py).

    Args:
        space: a `Space`. If it has a method `register(box)`, as `ExpertSpace` does, that registers more.

    Returns:
        `individual()`, `clone(individual)`, `mate(a, b) -> (a, b)`, `mutate(individual) -> (individual,)`,
        `select(individuals, k)` for parents, and `survive(individuals, k)` for the next population.

    Example: DEAP's own operators over tuples of bits.
        >>> from deap import tools
        >>> from haemsa.evo import Evolution
        >>> class Bits:
        ...     def sample(self, rng):
        ...         return tuple(rng.integers(0, 2, 12).tolist())
        ...     def mutate(self, genome, rng):
        ...         return genome
        ...     def crossover(self, a, b, rng):
        ...         return a, b
        ...     def key(self, genome):
        ...         return str(genome)
        >>> box = toolbox(Bits())
        >>> box.register("mate", tools.cxTwoPoint)
        >>> box.register("mutate", tools.mutFlipBit, indpb=0.1)
        >>> box.register("select", tools.selTournament, tournsize=3)
        >>> evolution = Evolution(Bits(), {"ones": "max"}, seed=0, population_size=10, toolbox=box)
        >>> for _ in range(150):
        ...     (candidate,) = evolution.ask(1)
        ...     _ = evolution.tell(candidate, {"ones": sum(candidate.genome)})
        >>> evolution.front()[0].scores["ones"].mean
        12.0
    """
    box = base.Toolbox()
    box.register("individual", _individual, space)
    box.register("mate", _mate, space)
    box.register("mutate", _mutate, space)
    box.register("select", select)
    box.register("survive", survive)
    if isinstance(space, Registers):
        space.register(box)
    return box


def repaired(space: Repairs) -> Callable[[Operator], Operator]:
    """A decorator for `Toolbox.decorate`: what an operator gives is brought back into the space.

    Example:
        >>> from haemsa.evo import ExpertSpace
        >>> space = ExpertSpace(["text", "audio"])
        >>> box = toolbox(space)
        >>> box.register("mine", lambda individual: (individual,))
        >>> box.decorate("mine", repaired(space))
    """

    def decorate(operator: Operator) -> Operator:
        @wraps(operator)
        def repairing(*args: Any, **kwargs: Any) -> Any:
            changed = operator(*args, **kwargs)
            for individual in changed:
                individual.genome = space.repair(individual.genome)
            return changed

        return repairing  # type: ignore[return-value]

    return decorate


def _individual(space: Space[G]) -> Individual[G]:
    return Individual(space.sample(generator()))


def _mate(space: Space[G], a: Individual[G], b: Individual[G]) -> tuple[Individual[G], Individual[G]]:
    a.genome, b.genome = space.crossover(a.genome, b.genome, generator())
    return a, b


def _mutate(space: Space[G], individual: Individual[G]) -> tuple[Individual[G]]:
    individual.genome = space.mutate(individual.genome, generator())
    return (individual,)

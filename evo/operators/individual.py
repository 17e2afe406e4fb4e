"""A candidate as DEAP sees it: its fitness, which knows rungs, and the individual. Both can be imported and pickled."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Generic

from deap import base

from haemsa.evo.candidate import G


class Fitness(base.Fitness):  # type: ignore[misc]
    """A DEAP fitness with its own weights, so that no class is made at run time. It knows its `level` (rungs.py).

    Scores of two levels cannot be compared: a higher level dominates a lower one. Within a level all is as in DEAP.

    Example:
        >>> low, high = Fitness((-1.0,), (0.1,), level=0), Fitness((-1.0,), (0.9,), level=1)
        >>> high.dominates(low), high > low, low.dominates(Fitness((-1.0,), (0.2,)))
        (True, True, True)
    """

    crowding_dist: float = 0.0
    """Of the last choice of survivors. DEAP's tournament reads it."""

    def __init__(self, weights: Sequence[float] = (), values: Sequence[float] = (), level: int = 0) -> None:
        self.weights = tuple(weights)
        self.level = level
        super().__init__(values)

    def dominates(self, other: Fitness, obj: slice = slice(None)) -> bool:
        """Whether the level is higher; on one level, whether no objective is worse and one is better."""
        if self.level != other.level:
            return self.level > other.level
        return bool(super().dominates(other, obj))

    @property
    def _order(self) -> tuple[Any, ...]:
        return (self.level, *self.wvalues)

    def __hash__(self) -> int:
        return hash(self._order)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fitness) and self._order == other._order

    def __lt__(self, other: Fitness) -> bool:
        return self._order < other._order

    def __le__(self, other: Fitness) -> bool:
        return self._order <= other._order

    def __deepcopy__(self, memo: dict[int, Any]) -> Fitness:
        twin = Fitness.__new__(Fitness)
        twin.__dict__.update(self.__dict__)
        return twin


@dataclass(eq=False)
class Individual(Generic[G]):
    """A genome with its fitness. Genomes are immutable, so a copy shares the genome and costs next to nothing.

    An operator changes an individual by giving it another genome. Where the genome is a tuple, an individual is also a
    sequence, and DEAP's own operators change it as they change a list.

    `id`: of the candidate; -1 for one that is being bred. `parents`: the ids of its parents, the fitter one first.

    Example:
        >>> individual = Individual((0, 0, 0))
        >>> individual[1:] = [1, 1]
        >>> individual.genome
        (0, 1, 1)
    """

    genome: G
    fitness: Fitness = field(default_factory=Fitness)
    id: int = -1
    parents: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.id >= 0:
            self.history_index = self.id  # the number by which `tools.History` knows an individual

    @property
    def level(self) -> int:
        """The level of the fitness."""
        return self.fitness.level

    @property
    def losses(self) -> tuple[float, ...]:
        """One number per objective, all minimised."""
        return tuple(-value for value in self.fitness.wvalues)

    def __len__(self) -> int:
        return len(self.genome)  # type: ignore[arg-type]

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, place: Any) -> Any:
        return self.genome[place]  # type: ignore[index]

    def __setitem__(self, place: Any, value: Any) -> None:
        parts = list(self.genome)  # type: ignore[call-overload]
        parts[place] = value
        self.genome = type(self.genome)(parts)  # type: ignore[call-arg]

    def __deepcopy__(self, memo: dict[int, Any]) -> Individual[G]:
        twin: Individual[G] = Individual.__new__(Individual)
        twin.__dict__.update(self.__dict__)
        twin.fitness = deepcopy(self.fitness, memo)
        return twin

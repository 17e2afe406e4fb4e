"""The population: survivors of all that entered so far, by their newest scores."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Generic

from evo.archive import Archive
from evo.candidate import G
from evo.individual import Individual
from evo.table import Table

Survive = Callable[[list[Individual[G]], int], list[Individual[G]]]


class Population(Generic[G]):
    """At most `size` individuals, chosen by `survive` from those before and all that entered since."""

    def __init__(self, archive: Archive[G], size: int, survive: Survive[G]) -> None:
        self.members: list[Individual[G]] = []
        self.entered: list[int] = []
        """Ids of those that came since the members were chosen."""
        self._archive, self._size, self._survive = archive, size, survive

    def enter(self, number: int) -> None:
        """Let candidate `number` take part in the next choice; one that is there already, with its newer scores."""
        self.entered.append(number)

    def remove(self, number: int) -> None:
        """Take out one that failed on a higher rung."""
        self.members = [individual for individual in self.members if individual.id != number]

    def choose(self, late: Collection[int]) -> None:
        """Choose the members, if anyone entered; failures are none.

        Those in `late` have scores of a higher rung that do not count yet.
        """
        if not self.entered:
            return
        archive, known = self._archive, {individual.id: individual for individual in self.members}
        entered = [number for number in self.entered if number in archive.evaluated]
        tables = [archive.adjusted(level) for level in range(archive.ladder.full + 1)]
        alive = [
            known[number] if number in late else self._individual(number, tables, known.get(number))
            for number in {**known, **dict.fromkeys(entered)}
        ]
        self.members = self._survive(alive, self._size)
        self.entered = []

    def _individual(self, number: int, tables: Sequence[Table], known: Individual[G] | None) -> Individual[G]:
        """The candidate as an individual: the one that is `known`, if its scores are still the same."""
        level = self._archive.level_of(number)
        losses = tables[level].losses_of(number)
        if known is not None and known.level == level and known.losses == tuple(losses.tolist()):
            return known
        fitness = self._archive.objectives.fitness_of(losses)
        return Individual(self._archive.evaluated[number].genome, fitness, number, level=level)

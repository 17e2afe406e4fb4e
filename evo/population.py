"""The order in which outcomes enter a search: that in which candidates were asked for, not that in which they end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Generic

from haemsa.evo.archive import Archive
from haemsa.evo.candidate import Evaluated, Failed, G
from haemsa.evo.individual import Individual
from haemsa.evo.loss_table import Table

Record = Evaluated[G] | Failed[G]


class Arrivals(Generic[G]):
    """Candidates asked for whose outcomes have not entered yet.

    Whatever trains quickly comes back sooner. If it also bred sooner, a steady-state search would favour it for no
    merit of its own (evaluation-time bias: Scott and De Jong, "Evaluation-time bias in asynchronous evolutionary
    algorithms", GECCO 2015). Most of that bias arises at the start, when only the quick ones are there to breed: so
    the search breeds from a whole first population alone.
    """

    def __init__(self) -> None:
        self.order: list[int] = []  # asked for and not entered, without those that were overtaken
        self.ended: dict[int, Record[G]] = {}

    def asked(self, ids: Iterable[int]) -> None:
        """Note candidates in the order in which they are given out."""
        self.order.extend(ids)

    def end(self, record: Record[G]) -> None:
        """Note an outcome."""
        self.ended[record.id] = record

    def take(self, patience: int) -> list[Record[G]]:
        """Those whose turn it is. One that more than `patience` wait for is overtaken: it enters whenever it ends."""
        found = [self.ended.pop(number) for number in sorted(self.ended.keys() - self.order)]
        while self.order and (self.order[0] in self.ended or len(self.ended) > patience):
            number = self.order.pop(0)
            if number in self.ended:
                found.append(self.ended.pop(number))
        return found

    def take_all(self) -> list[Record[G]]:
        """All that ended, by id."""
        found = [self.ended[number] for number in sorted(self.ended)]
        self.order = [number for number in self.order if number not in self.ended]
        self.ended = {}
        return found


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

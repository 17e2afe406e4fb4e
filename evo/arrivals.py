"""The order in which outcomes enter a search: that in which candidates were asked for, not that in which they end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic

from evo.candidate import Evaluated, Failed, G

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

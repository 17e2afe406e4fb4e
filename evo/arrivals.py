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
    algorithms", GECCO 2015).
    """

    def __init__(self) -> None:
        self.order: list[int] = []
        self.ended: dict[int, Record[G]] = {}

    def asked(self, ids: Iterable[int]) -> None:
        """Note candidates in the order in which they are given out."""
        self.order.extend(ids)

    def end(self, record: Record[G]) -> None:
        """Note an outcome."""
        self.ended[record.id] = record

    def take(self, patience: int) -> list[Record[G]]:
        """Those whose turn it is; while more than `patience` of them wait for a slower one, they overtake it."""
        found: list[Record[G]] = []
        while self.order and (self.order[0] in self.ended or len(self.ended) > patience):
            number = next(number for number in self.order if number in self.ended)
            self.order.remove(number)
            found.append(self.ended.pop(number))
        return found

    def take_all(self) -> list[Record[G]]:
        """All that ended, by id."""
        found = [self.ended[number] for number in sorted(self.ended)]
        self.order = [number for number in self.order if number not in self.ended]
        self.ended = {}
        return found

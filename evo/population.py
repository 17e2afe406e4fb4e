"""Who breeds: the survivors of all candidates whose outcomes have entered the search, and when an outcome enters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic

from haemsa.evo.candidate import Failed, G, Record
from haemsa.evo.operators.individual import Fitness, Individual
from haemsa.evo.records.archive import Archive
from haemsa.evo.records.loss_table import LossTable


class Arrivals(Generic[G]):
    """Candidates that were asked for, and whose outcomes have not entered the search yet.

    Results are used in the order in which candidates were requested. Otherwise fast ones would come back sooner, breed
    sooner, and be favoured for no merit of their own (evaluation-time bias: Scott and De Jong, "Evaluation-time bias in
    asynchronous evolutionary algorithms", GECCO 2015). Most of this bias comes at the start, when only the fast ones
    are there to breed. So a search also waits for a whole first population before it breeds (pace.py).
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
        """Outcomes whose turn it is.

        `patience`: how many may wait for a slow candidate. If more wait, they overtake it, and it enters when it ends.
        """
        taken = [self.ended.pop(number) for number in sorted(self.ended.keys() - self.order)]
        while self.order and (self.order[0] in self.ended or len(self.ended) > patience):
            number = self.order.pop(0)
            if number in self.ended:
                taken.append(self.ended.pop(number))
        return taken

    def take_all(self) -> list[Record[G]]:
        """All that ended, by id."""
        taken = [self.ended[number] for number in sorted(self.ended)]
        self.order = [number for number in self.order if number not in self.ended]
        self.ended = {}
        return taken


Survive = Callable[[list[Individual[G]], int], list[Individual[G]]]


class Population(Generic[G]):
    """At most `size` individuals. `survive` chooses them from the members before and all that entered since."""

    def __init__(self, archive: Archive[G], size: int, survive: Survive[G]) -> None:
        self.size = size
        self.members: list[Individual[G]] = []
        self.arrivals: Arrivals[G] = Arrivals()
        self.entered: list[int] = []
        """Ids of those that entered after the members were chosen."""
        self._archive, self._survive = archive, survive
        self._written: tuple[list[Individual[G]], list[list[Any]]] = ([], [])  # members, and the same as JSON

    def end(self, record: Record[G]) -> None:
        """Note an outcome, which enters later; a candidate that failed on a higher rung is taken out at once."""
        self.arrivals.end(record)
        if isinstance(record, Failed):
            self.members = [individual for individual in self.members if individual.id != record.id]

    def enter(self, number: int) -> None:
        """Let candidate `number` take part in the next choice; a member takes part with its newer scores."""
        self.entered.append(number)

    def choose(self) -> None:
        """Survival: choose the members, if anyone entered; candidates that failed are left out.

        A member whose scores of a higher rung arrived but did not enter yet keeps its older scores.
        """
        if not self.entered:
            return
        archive, before = self._archive, {individual.id: individual for individual in self.members}
        entered = [number for number in self.entered if number in archive.evaluated]
        tables = [archive.adjusted(level) for level in range(archive.ladder.full + 1)]
        individuals = [
            before[number] if number in self.arrivals.ended else self._individual(number, tables, before.get(number))
            for number in {**before, **dict.fromkeys(entered)}
        ]
        self.members = self._survive(individuals, self.size)
        self.entered = []

    def state_dict(self) -> dict[str, Any]:
        """State as JSON; scores and genomes are in the archive."""
        if self._written[0] is not self.members:
            self._written = self.members, [_to_json(individual) for individual in self.members]
        return {
            "population": self._written[1],
            "entered": list(self.entered),
            "order": list(self.arrivals.order),
            "ended": list(self.arrivals.ended),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from `state_dict`'s value, after the archive was filled.

        Raises:
            ValueError: for a member without scores.
        """
        self.entered, self.arrivals.order = list(saved["entered"]), list(saved["order"])
        self.arrivals.ended = {number: self._archive.record(number) for number in saved["ended"]}
        self.members = [self._from_json(member) for member in saved["population"]]

    def _individual(self, number: int, tables: Sequence[LossTable], before: Individual[G] | None) -> Individual[G]:
        """The candidate as an individual: the same one as `before`, if its scores are still the same."""
        level = self._archive.level_of(number)
        losses = tables[level].losses_of(number)
        if before is not None and before.level == level and before.losses == tuple(losses.tolist()):
            return before
        return self._archive.individual(number)

    def _from_json(self, member: Sequence[Any]) -> Individual[G]:
        number, crowding, level, values = member
        record = self._archive.evaluated.get(number)
        if record is None:
            raise ValueError(f"candidate {number} of the saved population has no row with scores")
        fitness = Fitness(self._archive.objectives.weights, values, level)
        fitness.crowding_dist = math.inf if crowding is None else crowding
        return Individual(record.genome, fitness, number, record.parents)


def _to_json(individual: Individual[G]) -> list[Any]:
    fitness = individual.fitness
    crowding = fitness.crowding_dist if math.isfinite(fitness.crowding_dist) else None
    return [individual.id, crowding, fitness.level, list(fitness.values)]

"""The two ways of a search: children are bred whenever one is asked for, or a generation at a time.

Both are a `Pace`. They move candidates between the breeder, the rungs and the population, and know nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol

from haemsa.evo.candidate import Candidate, G, Record
from haemsa.evo.checkpoint import candidate_from_json, candidate_to_json
from haemsa.evo.climbing import Climbing
from haemsa.evo.operators.breeding import Breeder
from haemsa.evo.operators.individual import Individual
from haemsa.evo.population import Population
from haemsa.evo.records.archive import Archive

PATIENCE: Final = 2
"""How many outcomes wait for a slow candidate before they overtake it: this times the population's size (or times the
number of pending candidates, if that is more).

It was measured with half of the genomes ten times as slow as the others: 1 leaves a bias towards the fast ones, 2 does
not.
"""


class Pace(Protocol[G]):
    """Decides when candidates are bred, when they climb, and when their outcomes enter the search."""

    @property
    def waiting(self) -> list[Candidate[G]]:
        """Candidates that were bred or promoted already, and that nobody has asked for yet."""

    def ask(self, count: int, new: int, pending: int) -> list[Candidate[G]]:
        """Up to `count` candidates, at most `new` of them new, while `pending` others are being evaluated."""

    def tell(self, candidate: Candidate[G], pending: int) -> bool:
        """`candidate` has ended, and `pending` others have not. Returns whether a generation ended with it."""

    def settle(self) -> None:
        """Choose the survivors of all that entered, if that may be done at any time."""

    def state_dict(self, encode: Callable[[G], Any]) -> dict[str, Any]:
        """State as JSON."""

    def load_state_dict(self, saved: Mapping[str, Any], decode: Callable[[Any], G]) -> None:
        """Go on from `state_dict`'s value."""


@dataclass(frozen=True)
class Steady(Generic[G]):
    """Steady state: a child is bred from the current population whenever one is asked for.

    Outcomes enter in the order in which candidates were asked for, so fast ones gain no advantage. Candidates that keep
    many others waiting are overtaken. `batch`: candidates climb when they have so many replicates to train together.
    """

    archive: Archive[G]
    breeder: Breeder[G]
    climbing: Climbing[G]
    population: Population[G]
    batch: int

    @property
    def waiting(self) -> list[Candidate[G]]:
        """None: what is bred or promoted is given out at once."""
        return []

    def ask(self, count: int, new: int, pending: int) -> list[Candidate[G]]:  # noqa: ARG002 - of the protocol
        """Candidates that climb from one rung, if there are enough of them, otherwise new ones.

        Enough are a batch, or the number that climbs in a generation, because a batch for a large device may be larger.
        If no new ones may come, any number is enough, and nobody waits for a slower one.
        """
        if not new:
            _enter(self.population.arrivals.take(0), self.climbing, self.population)
        self.settle()  # by the scores of this rung, before any candidate climbs
        enough = min(self.batch, max(1, self.population.size // self.climbing.ladder.eta)) if new else 1
        for rung, ids in self.climbing.ready(enough):
            return self.climbing.promote(rung, ids[:count])
        return self.breeder.breed(new, self._parents()) if new else []

    def tell(self, candidate: Candidate[G], pending: int) -> bool:
        """Let outcomes enter if it is their turn. A generation is `population.size` new candidates."""
        size = self.population.size
        _enter(self.population.arrivals.take(PATIENCE * max(size, pending)), self.climbing, self.population)
        return candidate.rung == 0 and len(self.archive) % size == 0

    def settle(self) -> None:
        """Choose the survivors of all that entered."""
        self.population.choose()

    def state_dict(self, encode: Callable[[G], Any]) -> dict[str, Any]:  # noqa: ARG002
        """No state of its own, under the names that a generational search has."""
        return {"queue": [], "rising": []}

    def load_state_dict(self, saved: Mapping[str, Any], decode: Callable[[Any], G]) -> None:
        """There is nothing to load."""

    def _parents(self) -> list[Individual[G]]:
        """The population, after enough candidates entered to fill it; before that, nobody.

        The first to enter are those before the first slow one. To breed from only these would be a bias.
        """
        return self.population.members if self.climbing.on_first_rung >= self.population.size else []


@dataclass
class Generational(Generic[G]):
    """A generation is bred whole. It climbs and ends when its last candidate is told.

    Outcomes enter in the order of ids. So the same seed gives the same front, whatever the number of workers and the
    order in which they return outcomes.
    """

    breeder: Breeder[G]
    climbing: Climbing[G]
    population: Population[G]
    queue: list[Candidate[G]] = field(default_factory=list)
    """Bred, not asked for yet."""
    rising: list[Candidate[G]] = field(default_factory=list)
    """Promoted, not asked for yet."""

    @property
    def waiting(self) -> list[Candidate[G]]:
        """The rest of the generation."""
        return [*self.queue, *self.rising]

    def ask(self, count: int, new: int, pending: int) -> list[Candidate[G]]:
        """Candidates of this generation, or of the next one if nothing is pending; those that climb come first."""
        if not (pending or self.rising):
            if not new:  # a generation that is cut short climbs all the same
                self._climb()
            elif not self.queue:
                self.queue = self.breeder.breed(self.population.size, self.population.members)
        if self.rising:
            batch, self.rising = self.rising[:count], self.rising[count:]
        else:
            batch, self.queue = self.queue[:new], self.queue[new:]
        return batch

    def tell(self, candidate: Candidate[G], pending: int) -> bool:  # noqa: ARG002 - of the protocol
        """After the last outcome of a rung, let the best climb; if none can, choose the survivors."""
        if self.waiting or pending:
            return False
        self._climb()
        if self.rising:
            return False
        self.population.choose()
        return True

    def settle(self) -> None:
        """Nothing: survivors are only chosen when a generation ends."""

    def state_dict(self, encode: Callable[[G], Any]) -> dict[str, Any]:
        """State as JSON."""
        return {
            "queue": [candidate_to_json(candidate, encode) for candidate in self.queue],
            "rising": [candidate_to_json(candidate, encode) for candidate in self.rising],
        }

    def load_state_dict(self, saved: Mapping[str, Any], decode: Callable[[Any], G]) -> None:
        """Go on from `state_dict`'s value."""
        self.queue = [candidate_from_json(row, decode) for row in saved["queue"]]
        self.rising = [candidate_from_json(row, decode) for row in saved["rising"]]

    def _climb(self) -> None:
        """Let all that ended enter, and promote the best of each rung."""
        _enter(self.population.arrivals.take_all(), self.climbing, self.population)
        for rung, ids in self.climbing.ready():
            self.rising += self.climbing.promote(rung, ids)


def _enter(records: Iterable[Record[G]], climbing: Climbing[G], population: Population[G]) -> None:
    """Let outcomes count: on their rungs, and in the next choice of survivors."""
    for record in records:
        climbing.enter(record)
        population.enter(record.id)

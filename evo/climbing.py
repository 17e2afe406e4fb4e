"""Which candidates climb to the next rung, to be trained more and judged again.

Asynchronous successive halving (Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020). There
are several objectives, so candidates on a rung are ordered by non-dominated rank, then by crowding (after Schmucker et
al., "Multi-objective asynchronous successive halving", 2021). The smallest candidate is always at an end of the front,
also if it is good at nothing. So those with little skill come after all others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, Generic

import numpy as np

from haemsa.evo.candidate import Candidate, Evaluated, G, Record, Skill
from haemsa.evo.nsga2 import Indices, Losses, Mask, best_first, non_dominated_ranks
from haemsa.evo.records.archive import Archive
from haemsa.evo.records.loss_table import LossTable

LITTLE: Final = 0.25
"""A candidate with less than this share of the best skill on its rung has little."""


class Climbing(Generic[G]):
    """All rungs of a search: who stands on each, and who may climb.

    `favours_first`: see `contenders`. `skill`: see `Evolution`; None: all have the same.
    """

    def __init__(self, archive: Archive[G], *, favours_first: bool = False, skill: Skill | None = None) -> None:
        self.ladder = archive.ladder
        self._archive, self._skill = archive, skill
        objectives = len(archive.objectives.names)
        self._rungs = [Rung(objectives, favours_first=favours_first) for _ in self.ladder.rungs]

    @property
    def on_first_rung(self) -> int:
        """How many candidates have scores of the first rung that count."""
        return len(self._rungs[0])

    def enter(self, record: Record[G]) -> None:
        """Let scores stand on their rung, to be compared with all others there; a failure stands nowhere."""
        if isinstance(record, Evaluated):
            skill = self._skill(record.scores) if self._skill else 0.0
            self._rungs[record.rung].put(record.id, self._archive.objectives.means(record.scores), skill)

    def ready(self, replicates: int = 1) -> Iterator[tuple[int, list[int]]]:
        """Rungs, highest first, with the ids that may climb from each, best first.

        A rung is left out, and not even ranked, if those that may climb have fewer `replicates` to train.
        """
        for rung in reversed(range(len(self._rungs) - 1)):
            added, here = self.ladder.added(rung + 1), self._rungs[rung]
            if here.room(self.ladder.eta) * added < replicates:
                continue
            ids = [number for number in here.promotable(self.ladder.eta) if number not in self._archive.failed]
            if len(ids) * added >= replicates:
                yield rung, ids

    @property
    def replicates(self) -> int:
        """How many replicates those that may climb now have to train."""
        rooms = (rung.room(self.ladder.eta) for rung in self._rungs[:-1])
        return sum(room * self.ladder.added(rung + 1) for rung, room in enumerate(rooms))

    def promote(self, rung: int, ids: Iterable[int]) -> list[Candidate[G]]:
        """Let candidates climb from `rung`; returned as candidates for the next rung."""
        records = [self._archive.evaluated[number] for number in ids]
        self._rungs[rung].climbed.update(record.id for record in records)
        return [Candidate(record.id, record.genome, record.parents, rung + 1) for record in records]

    def contenders(self, count: int) -> set[int]:
        """Ids of the `count` best of each rung that may still climb from it."""
        return set(chain.from_iterable(rung.contenders(count) for rung in self._rungs[:-1]))

    def load(self, records: Sequence[Record[G]], *, last_entered: bool) -> None:
        """Restore one candidate from its records, those of the first rung first.

        `last_entered`: False if the last record does not count yet.
        """
        for record in records if last_entered else records[:-1]:
            self.enter(record)
        self.mark_climbed(records[0].id, len(records) - 1)

    def mark_climbed(self, number: int, rung: int) -> None:
        """Restore that candidate `number` climbed as far as `rung`."""
        for lower in self._rungs[:rung]:
            lower.climbed.add(number)


class Rung:
    """Who reached a rung, with the losses measured there, and who climbed on from it.

    `favours_first`: see `contenders`.
    """

    def __init__(self, objectives: int, *, favours_first: bool = False) -> None:
        self.climbed: set[int] = set()
        self.favours_first = favours_first
        self._table, self._skills = LossTable(objectives), LossTable(1)
        self._ranks: Indices = np.zeros(0, dtype=np.intp)
        self._little: Mask = np.zeros(0, dtype=np.bool_)
        self._contenders: list[int] = []
        self._version = (0, 0)  # how many had reached it and climbed when the contenders were ranked
        self._wanted = 0

    def __len__(self) -> int:
        return len(self._table)

    def put(self, number: int, losses: Losses, skill: float = 0.0) -> None:
        """Let a candidate with `losses` `[k]` and this skill stand on the rung."""
        self._table.put(number, losses)
        self._skills.put(number, np.array([skill]))

    def room(self, eta: int) -> int:
        """How many may climb now: never more than one in `eta` in all."""
        return max(0, len(self._table) // eta - len(self.climbed))

    def promotable(self, eta: int) -> list[int]:
        """Ids that may climb, best first."""
        room = self.room(eta)
        return self.contenders(room) if room else []

    def contenders(self, count: int) -> list[int]:
        """The `count` best that did not climb, best first. They are found again only after someone came or climbed."""
        version = len(self._table), len(self.climbed)
        if version != self._version or count > self._wanted:
            if len(self._table) != len(self._ranks):
                self._ranks = non_dominated_ranks(self._table.losses)
                self._little = little_skill(self._skills.losses[:, 0])
            self._version, self._wanted = version, max(count, self._wanted)
            rung = self._table.losses, self._table.ids, self._ranks, self._little
            self._contenders = contenders(*rung, self.climbed, self._wanted, favours_first=self.favours_first)
        return self._contenders[:count]


def little_skill(skills: Losses) -> Mask:
    """Who has little skill `[n]`: none, if none is better than a trivial prediction (skill 0). skills: `[n]`.

    Example:
        >>> little_skill(np.array([0.8, 0.3, 0.1, 0.0])).tolist()
        [False, False, True, True]
    """
    best: float = skills.max(initial=0.0)
    return np.asarray((skills < LITTLE * best) & (best > 0))


def contenders(
    losses: Losses,
    ids: Indices,
    ranks: Indices,
    little: Mask,
    climbed: Collection[int],
    count: int,
    *,
    favours_first: bool = False,
) -> list[int]:
    """The `count` best on a rung that did not climb, best first. The order in which they came does not matter.

    They are ordered by non-dominated rank among all on the rung, then by crowding distance, then by id. Those with
    little skill come after all others.

    Args:
        losses: of all on the rung `[n, k]`.
        ids: theirs `[n]`.
        ranks: their non-dominated ranks `[n]`.
        little: who of them has little skill `[n]`.
        climbed: ids of those that climbed.
        count: how many are wanted.
        favours_first: every other one is the best in the first objective. Without this, the cheapest candidates take
            most places at the ends of the front, though they are good at nothing else.
    """
    by_id = np.argsort(ids)
    losses, ids, ranks, little = losses[by_id], ids[by_id], ranks[by_id], little[by_id]
    waits = ~np.isin(ids, np.fromiter(climbed, dtype=np.intp, count=len(climbed)))
    best, _ = best_first(losses, np.where(little, ranks + ranks.max(initial=0) + 1, ranks), waits, count)
    by_rank: list[int] = ids[best].tolist()
    if not favours_first:
        return by_rank
    waiting = np.flatnonzero(waits)
    first = np.where(little, np.inf, losses[:, 0])
    if count < len(waiting):  # the others need not be sorted
        waiting = waiting[first[waiting] <= np.partition(first[waiting], count)[count]]
    by_first: list[int] = ids[waiting[np.lexsort((*losses[waiting].T[::-1], first[waiting]))]].tolist()
    return list(dict.fromkeys(chain.from_iterable(zip(by_first, by_rank, strict=False))))[:count]

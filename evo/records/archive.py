"""All that was evaluated: scores and failures by id, the front, and its hypervolume."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final, Generic

import moocore
import numpy as np
from deap import tools

from haemsa.evo.candidate import Evaluated, Failed, G, Record, Score
from haemsa.evo.nsga2 import Losses
from haemsa.evo.objectives import Box, Objectives
from haemsa.evo.operators.individual import Individual
from haemsa.evo.records.loss_table import LossTable
from haemsa.evo.records.shrinkage import replicate_variance, shrink
from haemsa.evo.rungs import Ladder

FEW: Final = 8
"""So many new ones at once are compared with the front by DEAP, one after another."""


class Archive(Generic[G]):
    """The latest scores of all candidates, by level: only scores of one level can be compared.

    The front is that of the highest level that any candidate reached.

    Args:
        objectives: of the search.
        reference: the hypervolume's reference point by objective name; None: beyond all scores on the front's level.
        ladder: says which rungs form a level; None: one rung.
    """

    def __init__(
        self, objectives: Objectives, *, reference: Mapping[str, float] | None = None, ladder: Ladder | None = None
    ) -> None:
        self.objectives, self.ladder = objectives, ladder or Ladder()
        self.evaluated: dict[int, Evaluated[G]] = {}
        self.failed: dict[int, Failed[G]] = {}
        self.outcomes: dict[int, list[Mapping[str, Score]]] = {}  # the scores of every rung that a candidate ended on
        self.reference: Losses | None = None if reference is None else objectives.losses(reference)
        self._levels = [LossTable(len(objectives.names)) for _ in range(self.ladder.full + 1)]
        self._replicates: Counter[int] = Counter()  # of the last level: by number of replicates, how many scores
        self._hall = tools.ParetoFront(similar=_same)
        self._front: list[Evaluated[G]] | None = None  # the same, in order; None: to be found anew
        self._added: list[int] = []  # to the top level after the front was found
        self._adjusted: LossTable | None = None

    def __len__(self) -> int:
        """How many candidates have scores or failed; one that climbs counts once."""
        return len(self.evaluated) + len(self.failed)

    def take(self, record: Record[G]) -> None:
        """Keep scores or a failure."""
        if isinstance(record, Failed):
            self.fail(record)
        else:
            self.add(record)

    def record(self, number: int) -> Record[G]:
        """The latest record of a candidate. Raises KeyError if it has none."""
        return self.failed.get(number) or self.evaluated[number]

    def fail(self, record: Failed[G]) -> None:
        """Keep a failure, where selection does not see it. The candidate's scores of lower rungs count no more."""
        self._forget(record.id)
        self.evaluated.pop(record.id, None)
        self.failed[record.id] = record

    def add(self, record: Evaluated[G]) -> None:
        """Keep scores, which are finite. They replace the same candidate's scores of a lower rung."""
        losses = self.objectives.means(record.scores)
        assert np.isfinite(losses).all(), losses
        self._forget(record.id)
        self.evaluated[record.id] = record
        self.outcomes.setdefault(record.id, []).append(record.scores)
        level, top = self.ladder.level(record.rung), self.top_level
        self._levels[level].put(record.id, losses)
        if level == self.ladder.full:
            self._replicates[self._replicates_of(record.id)] += 1
            self._adjusted = None
        if level > top:
            self._front = None
        elif level == top:
            self._added.append(record.id)

    def level_of(self, number: int) -> int:
        """The level of a candidate's latest scores."""
        return self.ladder.level(self.evaluated[number].rung)

    @property
    def uneven(self) -> bool:
        """Whether some scores of the last level are surer than others. Then each new score changes all of them."""
        return len(+self._replicates) > 1

    def adjusted(self, level: int) -> LossTable:
        """Losses of a level. If some are surer than others, they are weighed by their errors (shrinkage.py)."""
        if level < self.ladder.full or not self.uneven:
            return self._levels[level]
        if self._adjusted is None:
            self._adjusted = self._adjust()
        return self._adjusted

    def _adjust(self) -> LossTable:
        table = self._levels[-1]
        by_id = np.argsort(table.ids)  # so that sums do not depend on the order in which records came
        records = [self.evaluated[int(number)] for number in table.ids[by_id]]
        losses = table.losses[by_id]
        weighed = np.empty_like(losses)
        for place, name in enumerate(self.objectives.names):
            scores = [record.scores[name] for record in records]
            pooled = replicate_variance([score.values for score in scores])
            variances = np.array([pooled / score.replicates if score.values else score.error**2 for score in scores])
            weighed[:, place] = shrink(losses[:, place], variances)
        adjusted = LossTable(len(self.objectives.names))
        for record, row in zip(records, weighed, strict=True):
            adjusted.put(record.id, row)
        return adjusted

    @property
    def top_level(self) -> int:
        """The highest level that any candidate reached; -1 before the first."""
        return max((level for level, table in enumerate(self._levels) if len(table)), default=-1)

    def individual(self, number: int) -> Individual[G]:
        """A candidate with scores, with the fitness that selection sees."""
        record, level = self.evaluated[number], self.level_of(number)
        fitness = self.objectives.fitness_of(self.adjusted(level).losses_of(number), level)
        return Individual(record.genome, fitness, number, record.parents)

    def front(self) -> list[Evaluated[G]]:
        """The non-dominated records of the highest level, best first objective first; never a failure."""
        self.pareto_front()
        return list(self._front or [])

    def pareto_front(self) -> tools.ParetoFront:
        """The front as DEAP keeps it: individuals, best fitness first.

        moocore tells who may be on it, so that DEAP compares only those with the front. If many come at once, or
        if all scores changed, the front is filled anew.
        """
        anew = self._front is None or (self._added and self.uneven)
        if not anew and not self._added:
            return self._hall
        known = [] if anew else [individual.id for individual in self._hall]
        ids = self._top_ids() if anew else [*known, *self._added]
        kept = self._non_dominated(self.top_level, ids)
        fresh = [number for number in kept if number in self._added] if not anew else kept
        if anew or len(fresh) > FEW:
            self._hall.clear()
            for number in kept:
                self._hall.insert(self.individual(number))
        else:
            self._hall.update([self.individual(number) for number in fresh])
        self._front, self._added = self._in_order(kept), []
        return self._hall

    def best(self, count: int) -> list[Evaluated[G]]:
        """The `count` best in the first objective, of the front's level; others may dominate them."""
        if not self.evaluated:
            return []
        table = self.adjusted(self.top_level)
        order = np.lexsort((table.ids, table.losses[:, 0]))[:count]
        return [self.evaluated[number] for number in table.ids[order].tolist()]

    def runners_up(self) -> list[Evaluated[G]]:
        """The non-dominated records among those that stayed on the level below the front's; ordered as the front.

        They are the next most promising while only few reached the highest level.
        """
        level = self.top_level - 1
        return self._in_order(self._non_dominated(level, self.adjusted(level).ids.tolist())) if level >= 0 else []

    @property
    def front_size(self) -> int:
        """How many records are on the front."""
        return len(self.front())

    def seen(self) -> Losses:
        """The losses `[n, k]` of all candidates on the front's level."""
        return self._levels[self.top_level].losses

    def front_losses(self) -> Losses:
        """The losses `[n, k]` of the front."""
        return self._means(self.front())

    def hypervolume(self) -> float:
        """The volume between the front and the reference point; 0.0 while nothing has scores.

        Without a reference point that was given, it lies just beyond the worst scores on the front's level. So no front
        falls outside, but the volume also grows when a worse candidate is seen.
        """
        return self._box().volume(self.front_losses()) if self.evaluated else 0.0

    def covered(self) -> float:
        """The hypervolume as a share of the region between the best of each objective and the reference point."""
        return self._box().share(self.front_losses()) if self.evaluated else 0.0

    def _box(self) -> Box:
        return Box.around(self.seen(), self.reference)

    def _means(self, records: list[Evaluated[G]]) -> Losses:
        width = len(self.objectives.names)
        return np.array([self.objectives.means(record.scores) for record in records]).reshape(-1, width)

    def _top_ids(self) -> list[int]:
        return self.adjusted(self.top_level).ids.tolist() if self.evaluated else []

    def _non_dominated(self, level: int, ids: list[int]) -> list[int]:
        """Of the candidates `ids` of a level, those that no other of them dominates."""
        if not ids:
            return []
        losses = self.adjusted(level).rows(ids)
        return [ids[place] for place in np.flatnonzero(moocore.is_nondominated(losses, keep_weakly=True))]

    def _in_order(self, ids: list[int]) -> list[Evaluated[G]]:
        """The records of candidates, best first objective first."""
        records = [self.evaluated[number] for number in ids]
        order = np.lexsort((np.array(ids), *self._means(records).T[::-1]))
        return [records[place] for place in order]

    def _forget(self, number: int) -> None:
        if number in self._levels[-1]:
            self._replicates[self._replicates_of(number)] -= 1
            self._adjusted = None
        for level, table in enumerate(self._levels):
            if level == self.top_level and number in table:
                self._front = None
            table.drop(number)

    def _replicates_of(self, number: int) -> int:
        return self.evaluated[number].scores[self.objectives.names[0]].replicates


def _same(a: Individual[G], b: Individual[G]) -> bool:
    return a.id == b.id

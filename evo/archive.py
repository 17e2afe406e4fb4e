"""All that was evaluated: scores by id, failures aside, the front kept up to date, and its hypervolume."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic

import moocore
import numpy as np

from evo.candidate import Evaluated, Failed, G
from evo.individual import Objectives
from evo.selection import Losses


class Archive(Generic[G]):
    """Grows by one record at a time; adding costs one comparison with each point of the front, never with all records.

    `reference` is the hypervolume's reference point by objective name; without one, `fix_reference` finds it.
    """

    def __init__(self, objectives: Objectives, *, reference: Mapping[str, float] | None = None) -> None:
        self.objectives = objectives
        self.evaluated: dict[int, Evaluated[G]] = {}
        self.failed: dict[int, Failed[G]] = {}
        self.reference: Losses | None = None if reference is None else objectives.losses(reference)
        self._losses = np.zeros((0, len(objectives.names)))
        self._ids = np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        """Records with scores and failures together."""
        return len(self.evaluated) + len(self.failed)

    def fail(self, record: Failed[G]) -> None:
        """Keep a failure, apart from everything that selection sees."""
        self.failed[record.id] = record

    def add(self, record: Evaluated[G]) -> None:
        """Keep a record; its objectives are finite."""
        losses = self.objectives.losses({name: record.scores[name].mean for name in self.objectives.names})
        assert np.isfinite(losses).all(), losses
        self.evaluated[record.id] = record
        better = (self._losses <= losses).all(axis=1)
        if (better & (self._losses < losses).any(axis=1)).any():
            return
        # equal points stay beside each other: neither dominates
        keep = ~((losses <= self._losses).all(axis=1) & ~better)
        self._losses = np.vstack([self._losses[keep], losses])
        self._ids = np.append(self._ids[keep], record.id)

    def front(self) -> list[Evaluated[G]]:
        """The non-dominated records, best first objective first; never a failure."""
        order = np.lexsort((self._ids, *self._losses.T[::-1]))
        return [self.evaluated[int(self._ids[index])] for index in order]

    @property
    def front_size(self) -> int:
        """How many records are on the front."""
        return len(self._ids)

    def fix_reference(self) -> None:
        """Place the reference point just beyond all that is here, if there is none yet and anything has scores.

        At the worst value of each objective plus a tenth of its range: to be called when the first generation ends.
        """
        if self.reference is None and self.evaluated:
            names = self.objectives.names
            means = [{name: record.scores[name].mean for name in names} for record in self.evaluated.values()]
            self.reference = beyond(np.array([self.objectives.losses(values) for values in means]))

    def hypervolume(self) -> float:
        """Volume that the front dominates below the reference point; 0.0 until there is one."""
        if self.reference is None or not len(self._ids):
            return 0.0
        order = np.lexsort(self._losses.T[::-1])
        return float(moocore.hypervolume(self._losses[order], ref=self.reference))


def beyond(losses: Losses) -> Losses:
    """The worst of `losses` `[n, k]` in each objective plus a tenth of its range (of its size where all are equal)."""
    worst = losses.max(axis=0)
    span = worst - losses.min(axis=0)
    size = np.where(worst == 0, 1.0, np.abs(worst))
    reference: Losses = worst + 0.1 * np.where(span > 0, span, size)
    return reference

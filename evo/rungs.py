"""Rungs: how much training a candidate gets before it is judged again, and which candidates climb.

Asynchronous successive halving (Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020), where
the order among those that reached a rung is by non-dominated rank, then crowding, since there are several objectives
(after Schmucker et al., "Multi-objective asynchronous successive halving", 2021). Epochs rise first, then replicates.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from haemsa.evo.loss_table import Table
from haemsa.evo.nsga2 import Indices, Losses, best_first, ranks

MOST_SEEDS: Final = 3
"""Times that an elite is trained on every fold before its place counts as earned."""


@dataclass(frozen=True)
class Fidelity:
    """What a score costs: epochs (None: as many as the genome asks for), and replicates (folds first, then seeds)."""

    epochs: int | None = None
    replicates: int = 1


@dataclass(frozen=True)
class Ladder:
    """The rungs, cheapest first; one in `eta` of those that reached a rung climbs to the next.

    `full` is the first rung whose scores are final: those from it on are compared with each other, by their errors.
    """

    rungs: tuple[Fidelity, ...] = (Fidelity(),)
    eta: int = 3
    full: int = 0

    def __post_init__(self) -> None:
        if not self.rungs or not 0 <= self.full < len(self.rungs):
            raise ValueError(f"a ladder has {len(self.rungs)} rungs and rung {self.full} is full, expected one of them")

    def added(self, rung: int) -> int:
        """Replicates that a candidate trains on a rung: the new ones, or all where epochs are added."""
        here, below = self.rungs[rung], self.rungs[rung - 1] if rung else None
        return here.replicates - (below.replicates if below and below.epochs == here.epochs else 0)

    def level(self, rung: int) -> int:
        """Scores of one level can be compared: that of a rung, or of all final ones."""
        return min(rung, self.full)


def single(replicates: int = 1) -> Ladder:
    """No rungs: every candidate gets everything at once."""
    return Ladder((Fidelity(None, replicates),))


def ladder(first_epochs: int, most_epochs: int, folds: int, *, eta: int = 3, seeds: int = MOST_SEEDS) -> Ladder:
    """Epochs r, r*eta, ... on one fold, all of a genome's own epochs, more of the folds, all of them, further seeds.

    `most_epochs` is the most that a genome may ask for; a rung that leaves less than `eta` times its epochs to gain is
    left out: it would cost many candidates a place and save little.
    """
    if eta < 2:
        raise ValueError(f"eta is {eta}, expected 2 or more")
    if first_epochs < 1 or folds < 1 or seeds < 1:
        raise ValueError(f"a ladder of {first_epochs} epochs, {folds} folds, {seeds} seeds, expected 1 or more of each")
    rungs, epochs = [], first_epochs
    while eta * epochs <= most_epochs:
        rungs.append(Fidelity(epochs, 1))
        epochs *= eta
    rungs.append(Fidelity(None, 1))
    replicates = eta
    while 2 * replicates <= folds:
        rungs.append(Fidelity(None, replicates))
        replicates *= eta
    if folds > 1:
        rungs.append(Fidelity(None, folds))
    full = len(rungs) - 1
    rungs += [Fidelity(None, folds * seed) for seed in range(2, seeds + 1)]
    return Ladder(tuple(rungs), eta, full)


class Rung:
    """Who reached a rung, with their losses as measured there, and who climbed on from it.

    `favours_first`: see `contenders`.
    """

    def __init__(self, objectives: int, *, favours_first: bool = False) -> None:
        self.climbed: set[int] = set()
        self.favours_first = favours_first
        self._table = Table(objectives)
        self._found: list[int] = []
        self._version = (0, 0)  # those that reached it, and that climbed, when the contenders were found
        self._wanted = 0

    def __len__(self) -> int:
        return len(self._table)

    def put(self, number: int, losses: Losses) -> None:
        """Let a candidate with `losses` `[k]` stand on the rung."""
        self._table.put(number, losses)

    def promotable(self, eta: int) -> list[int]:
        """Ids that may climb, best first: never more than one in `eta` in all."""
        room = len(self._table) // eta - len(self.climbed)
        return self.contenders(room) if room > 0 else []

    def contenders(self, count: int) -> list[int]:
        """The `count` best that did not climb, best first; nothing is ranked anew until someone comes or climbs."""
        version = len(self._table), len(self.climbed)
        if version != self._version or count > self._wanted:
            self._version, self._wanted = version, max(count, self._wanted)
            losses, ids, first = self._table.losses, self._table.ids, self.favours_first
            self._found = contenders(losses, ids, self.climbed, self._wanted, favours_first=first)
        return self._found[:count]


def contenders(
    losses: Losses, ids: Indices, promoted: Collection[int], count: int, *, favours_first: bool = False
) -> list[int]:
    """The `count` best on a rung that did not climb, best first, whatever the order in which they reached it.

    By non-dominated rank among all on the rung, then the least crowded of their front, then the lower id.
    `favours_first`: every other one is the best in the first objective, as the cheapest, which are good for nothing
    else, would take most places at the ends of the front.
    """
    by_id = np.argsort(ids)
    losses, ids = losses[by_id], ids[by_id]
    waits = ~np.isin(ids, np.fromiter(promoted, dtype=np.intp, count=len(promoted)))
    best, _ = best_first(losses, ranks(losses), waits, count)
    found: list[int] = ids[best].tolist()
    if not favours_first:
        return found
    order = np.lexsort(losses.T[::-1])
    first: list[int] = ids[order[waits[order]]].tolist()
    return list(dict.fromkeys(chain.from_iterable(zip(first, found, strict=False))))[:count]

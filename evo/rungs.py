"""Rungs: how much training a candidate gets before it is judged again.

A ladder raises the epochs first, then the replicates: more folds, then more seeds. climbing.py says who climbs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MOST_SEEDS: Final = 3
"""How many times the best are trained on every fold, until their place on the front counts as sure."""


@dataclass(frozen=True)
class Fidelity:
    """What a rung costs: epochs (None: the genome's own number), and replicates (folds first, then seeds)."""

    epochs: int | None = None
    replicates: int = 1


@dataclass(frozen=True)
class Ladder:
    """The rungs, cheapest first. One in `eta` of the candidates that reached a rung climbs to the next.

    `full`: the first rung with final scores. Scores from this rung on are compared with each other, by their errors.

    Raises:
        ValueError: for no rungs, or if `full` is none of them.
    """

    rungs: tuple[Fidelity, ...] = (Fidelity(),)
    eta: int = 3
    full: int = 0

    def __post_init__(self) -> None:
        if not self.rungs or not 0 <= self.full < len(self.rungs):
            raise ValueError(f"a ladder has {len(self.rungs)} rungs and rung {self.full} is full, expected one of them")

    def added(self, rung: int) -> int:
        """Replicates that a candidate trains on a rung: only the new ones, or all of them where epochs are added."""
        here, below = self.rungs[rung], self.rungs[rung - 1] if rung else None
        return here.replicates - (below.replicates if below and below.epochs == here.epochs else 0)

    def level(self, rung: int) -> int:
        """The level of a rung's scores. Only scores of one level can be compared; all final scores are one level."""
        return min(rung, self.full)


def single(replicates: int = 1) -> Ladder:
    """A ladder of one rung: every candidate gets everything at once."""
    return Ladder((Fidelity(None, replicates),))


def ladder(first_epochs: int, most_epochs: int, folds: int, *, eta: int = 3, seeds: int = MOST_SEEDS) -> Ladder:
    """The usual ladder: r, r*eta, ... epochs on one fold, all epochs, more folds, all folds, then more seeds.

    A rung is left out if a genome can gain less than `eta` times its epochs: it would cost many candidates their place
    and save little.

    Args:
        first_epochs: r, the epochs of the first rung.
        most_epochs: the most that a genome may ask for.
        folds: of the data.
        eta: one in `eta` climbs.
        seeds: how many times the best are trained on all folds.

    Raises:
        ValueError: for an `eta` below 2, or another number below 1.

    Example:
        >>> [(rung.epochs, rung.replicates) for rung in ladder(2, 24, 5, seeds=1).rungs]
        [(2, 1), (6, 1), (None, 1), (None, 5)]
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

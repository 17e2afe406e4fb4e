"""What training is to do with each row: from where, and until when."""

from __future__ import annotations

import math
from dataclasses import dataclass

from haemsa.model.inheritance.inherit import Inherited
from haemsa.model.network.cohort import CohortRow
from haemsa.model.network.weights import Weights


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where a row's training stopped: raw weights and both moments of AdamW, by name at their real sizes."""

    epochs: int
    weights: Weights
    first: Weights
    second: Weights


Start = Checkpoint | Inherited | None
"""Where a row goes on, what it begins with at epoch 0, or a fresh start."""


@dataclass(frozen=True)
class Plan:
    """A row's place in the caller's list, its start, its last epoch, and how many epochs come before averaging."""

    index: int
    row: CohortRow
    start: Start
    last: int
    before: int

    @classmethod
    def of(cls, index: int, row: CohortRow, until: int | None, start: Start, average: float) -> Plan:
        """Train until an epoch, at most the gene's, and average the last share of all epochs up to there.

        Raises ValueError if nothing is left to train, or if weights to be averaged are gone already.
        """
        epochs = row.genome.training.epochs
        last = epochs if until is None else min(until, epochs)
        plan = cls(index, row, start, last, last - math.ceil(last * average))
        if plan.begun >= last:
            raise ValueError(f"row {index} is to be trained until epoch {last}, but has {plan.begun} epochs already")
        if plan.begun > plan.before + 1:
            raise ValueError(
                f"row {index} goes on after {plan.begun} epochs, but the weights to be averaged until epoch {last} "
                f"begin at epoch {plan.before + 1}"
            )
        return plan

    @property
    def begun(self) -> int:
        """Epochs done before."""
        return self.start.epochs if isinstance(self.start, Checkpoint) else 0

"""From where, and until when, each row is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass

from haemsa.model.network.cohort import CohortRow
from haemsa.model.network.weights import Weights


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The state after a row's last epoch: its weights and both moments of AdamW, by name at their real sizes."""

    epochs: int
    weights: Weights
    first: Weights
    second: Weights


@dataclass(frozen=True)
class Plan:
    """A row's place in the caller's list, its start (None: fresh), its last epoch, and the epochs before averaging."""

    index: int
    row: CohortRow
    start: Checkpoint | None
    last: int
    before: int

    @classmethod
    def of(cls, index: int, row: CohortRow, until: int | None, start: Checkpoint | None, average: float) -> Plan:
        """A row's plan.

        Args:
            index: Its place in the caller's list.
            row: The row.
            until: The last epoch, if that is before the last one of the genome; None: train to the end.
            start: From where it starts; None: from fresh weights.
            average: The last share of the epochs whose weights are averaged.

        Raises:
            ValueError: Nothing is left to train, or weights that are to be averaged are gone already.
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
        """Epochs that are done before."""
        return self.start.epochs if self.start else 0

"""What a worker is asked to do, and what it gives back: plain values, whatever carries them there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from haemsa.evo.candidate import Candidate, Failure, Score
from haemsa.evo.rungs import Fidelity
from haemsa.model.seeds import SeedPurpose
from haemsa.model.spec.genome import Genome

Arrays = Mapping[str, np.ndarray[Any, Any]]
"""A network's numbers by name."""


@dataclass(frozen=True)
class RowState:
    """What is left of a replicate's training after `epochs`: averaged weights, and what it takes to go on.

    `raw`, `first`, `second`: weights and AdamW's moments as they stood; empty once its genome's epochs are done.
    """

    epochs: int
    weights: Arrays
    raw: Arrays = field(default_factory=dict)
    first: Arrays = field(default_factory=dict)
    second: Arrays = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """Train a candidate up to a fidelity.

    `reached`, `known`, `states`: the fidelity it had, the values of each metric by replicate there, and where each
    replicate's training stopped. `parent`, `inherited`: whose weights a replicate that is new starts from, by replicate
    (the same fold, so no weight has seen what it is scored on). `outputs`: whether held-out predictions are wanted.
    """

    candidate: Candidate[Genome]
    fidelity: Fidelity
    reached: Fidelity | None = None
    known: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    states: Mapping[int, RowState] = field(default_factory=dict)
    parent: Genome | None = None
    inherited: Mapping[int, Arrays] = field(default_factory=dict)
    purpose: SeedPurpose = SeedPurpose.SEARCH
    outputs: bool = False

    @property
    def id(self) -> int:
        """The candidate's id."""
        return self.candidate.id

    @property
    def genome(self) -> Genome:
        """The candidate's genome."""
        return self.candidate.genome

    def waiting(self) -> dict[int, int]:
        """Replicates that have something left to train, with the epochs to train them to."""
        wanted = target_epochs(self.fidelity, self.genome)
        had = target_epochs(self.reached, self.genome) if self.reached else 0
        done = self.reached.replicates if self.reached and had >= wanted else 0
        return dict.fromkeys(range(done, self.fidelity.replicates), wanted)


def target_epochs(fidelity: Fidelity, genome: Genome) -> int:
    """Epochs that a fidelity means for a genome: its own, where they are less than twice as many.

    So a rung ends before the window begins over which the next one averages weights.
    """
    own = genome.training.epochs
    return own if fidelity.epochs is None or own < 2 * fidelity.epochs else fidelity.epochs


@dataclass(frozen=True)
class Result:
    """What became of a job: scores by metric or a failure, the replicates trained, and its share of the time.

    `outputs`: raw held-out predictions by task, [N, C], one per replicate, if they were wanted.
    """

    id: int
    outcome: Mapping[str, Score] | Failure
    states: Mapping[int, RowState] = field(default_factory=dict)
    outputs: tuple[Arrays, ...] = ()
    seconds: float = 0.0

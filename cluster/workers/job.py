"""What a worker is asked to do, and what it gives back. These are plain values that can be sent anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from haemsa.cluster.workers.row_state import Arrays, RowState
from haemsa.evo.candidate import Candidate, Failure, Score
from haemsa.evo.rungs import Fidelity
from haemsa.model.seeds import SeedPurpose
from haemsa.model.spec.genome import Genome


@dataclass(frozen=True)
class Job:
    """Train a candidate up to a fidelity.

    - `reached`, `known`, `states`: the fidelity that it had, the value of each metric by replicate there, and where the
      training of each replicate stopped.
    - `measured`: scores of the genome that are measured only once, and are there already.
    - `outputs`: whether held-out predictions are wanted.
    - `part`: the replicates to train and to score, where other workers train the others. None: all.
    """

    candidate: Candidate[Genome]
    fidelity: Fidelity
    reached: Fidelity | None = None
    known: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    states: Mapping[int, RowState] = field(default_factory=dict)
    measured: Mapping[str, Score] = field(default_factory=dict)
    purpose: SeedPurpose = SeedPurpose.SEARCH
    outputs: bool = False
    part: tuple[int, ...] | None = None

    @property
    def id(self) -> int:
        """The candidate's id."""
        return self.candidate.id

    @property
    def genome(self) -> Genome:
        """The candidate's genome."""
        return self.candidate.genome

    @property
    def replicates(self) -> Sequence[int]:
        """The replicates that the scores are of."""
        return range(self.fidelity.replicates) if self.part is None else self.part

    def waiting(self) -> dict[int, int]:
        """Replicates that have something left to train, with the epochs at which they end."""
        wanted = target_epochs(self.fidelity, self.genome)
        had = target_epochs(self.reached, self.genome) if self.reached else 0
        done = self.reached.replicates if self.reached and had >= wanted else 0
        return {replicate: wanted for replicate in self.replicates if replicate >= done}


def target_epochs(fidelity: Fidelity, genome: Genome) -> int:
    """The epochs that a fidelity means for a genome: its own, if these are less than twice as many.

    So a rung ends before the epochs begin over which the next rung averages weights.
    """
    own = genome.training.epochs
    return own if fidelity.epochs is None or own < 2 * fidelity.epochs else fidelity.epochs


@dataclass(frozen=True)
class Result:
    """What a job gave: scores by metric or a failure, the trained replicates, and its share of the time.

    `outputs`: raw held-out predictions [N, C] by task, for each replicate, if they were wanted. `failed_objective`: the
    objective of one's own because of which it failed. `gpu_mib`: the most memory of the GPU that its cohort took (0: it
    was trained on the CPU). `replicates`: what the scores are of, where the job was a part of another. `purpose`: the
    job's.
    """

    id: int
    outcome: Mapping[str, Score] | Failure
    states: Mapping[int, RowState] = field(default_factory=dict)
    outputs: tuple[Arrays, ...] = ()
    seconds: float = 0.0
    failed_objective: str = ""
    gpu_mib: float = 0.0
    replicates: tuple[int, ...] = ()
    purpose: SeedPurpose = SeedPurpose.SEARCH

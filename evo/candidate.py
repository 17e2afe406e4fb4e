"""What a search and its evaluators exchange: candidates go out, scores or failures come back. All are immutable."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, get_args

import numpy as np

G = TypeVar("G")
"""A genome: any immutable value that its space understands."""
G_contra = TypeVar("G_contra", contravariant=True)
"""The same, where genomes are only taken."""
FailureKind = Literal["nan", "memory", "crash", "timeout", "error"]


@dataclass(frozen=True)
class Candidate(Generic[G]):
    """A genome to evaluate.

    `parents`: their ids, the fitter one first; empty for a sampled genome. `rung`: the place on the ladder, 0 is the
    first. The ladder says how much training a rung means (`Fidelity`).
    """

    id: int
    genome: G
    parents: tuple[int, ...] = ()
    rung: int = 0

    def evaluated(self, scores: Mapping[str, Score]) -> Evaluated[G]:
        """The candidate with scores of its rung."""
        return Evaluated(self.id, self.genome, self.parents, scores, self.rung)

    def failed(self, failure: Failure) -> Failed[G]:
        """The candidate as failed."""
        return Failed(self.id, self.genome, self.parents, failure)


@dataclass(frozen=True)
class Score:
    """A measured value: the mean over `replicates` runs and the standard error of that mean, in the metric's unit.

    `values`: the value of each replicate, where they are known. Replicate r is the same fold for every candidate.
    """

    mean: float
    error: float = 0.0
    replicates: int = 1
    values: tuple[float, ...] = ()

    @classmethod
    def of(cls, values: Sequence[float]) -> Score:
        """The score of one or more replicates.

        Example:
            >>> Score.of([1.0, 3.0])
            Score(mean=2.0, error=1.0, replicates=2, values=(1.0, 3.0))
        """
        array, n = np.asarray(values, dtype=np.float64), len(values)
        error = float(array.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
        return cls(float(array.mean()), error, n, tuple(array.tolist()))

    @property
    def finite(self) -> bool:
        """Whether the mean can be compared."""
        return math.isfinite(self.mean)


Skill = Callable[[Mapping[str, Score]], float]
"""How much better scores are than a trivial prediction: 0 if they are no better, 1 if they are perfect."""


@dataclass(frozen=True)
class Failure:
    """Why a candidate has no scores. `message`: one sentence for the person who reads the journal.

    Raises:
        ValueError: for an unknown kind.
    """

    kind: FailureKind
    message: str

    def __post_init__(self) -> None:
        if self.kind not in get_args(FailureKind):
            raise ValueError(f"failure kind is {self.kind!r}, expected one of {', '.join(get_args(FailureKind))}")


@dataclass(frozen=True)
class Evaluated(Generic[G]):
    """A candidate with its scores by metric name. `rung`: where they were measured."""

    id: int
    genome: G
    parents: tuple[int, ...]
    scores: Mapping[str, Score]
    rung: int = 0


@dataclass(frozen=True)
class Failed(Generic[G]):
    """A candidate without scores, and why."""

    id: int
    genome: G
    parents: tuple[int, ...]
    failure: Failure


Record = Evaluated[G] | Failed[G]
"""A candidate as the archive keeps it after its evaluation ended."""
Outcome = Mapping[str, float | Score] | Failure
"""What `Evolution.tell` takes: one number or `Score` per metric, or a failure."""

"""What travels between a search and whoever evaluates it: candidates out, scores or failures back. All frozen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, get_args

import numpy as np

G = TypeVar("G")
"""A genome: any immutable value that its space understands."""
FailureKind = Literal["nan", "memory", "crash", "timeout", "error"]


@dataclass(frozen=True)
class Candidate(Generic[G]):
    """A genome to evaluate at a rung (0: the first). `parents`: ids, the fitter one first (none: sampled)."""

    id: int
    genome: G
    parents: tuple[int, ...] = ()
    rung: int = 0


@dataclass(frozen=True)
class Score:
    """A measured value: mean over `replicates` runs and the standard error of that mean, in the objective's unit.

    `values`: each replicate's own, where they are known; replicate r is the same fold for every candidate.
    """

    mean: float
    error: float = 0.0
    replicates: int = 1
    values: tuple[float, ...] = ()

    @classmethod
    def of(cls, values: Sequence[float]) -> Score:
        """The score of some replicates."""
        array, n = np.asarray(values, dtype=np.float64), len(values)
        error = float(array.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
        return cls(float(array.mean()), error, n, tuple(array.tolist()))

    @property
    def finite(self) -> bool:
        """Whether the mean can be compared."""
        return math.isfinite(self.mean)


@dataclass(frozen=True)
class Failure:
    """Why a candidate has no scores. `message` is one sentence for the person who reads the journal."""

    kind: FailureKind
    message: str

    def __post_init__(self) -> None:
        if self.kind not in get_args(FailureKind):
            raise ValueError(f"failure kind is {self.kind!r}, expected one of {', '.join(get_args(FailureKind))}")


@dataclass(frozen=True)
class Evaluated(Generic[G]):
    """A candidate that has scores, by metric name, and the rung that they were measured on."""

    id: int
    genome: G
    parents: tuple[int, ...]
    scores: Mapping[str, Score]
    rung: int = 0


@dataclass(frozen=True)
class Failed(Generic[G]):
    """A candidate that has none, and why."""

    id: int
    genome: G
    parents: tuple[int, ...]
    failure: Failure


Outcome = Mapping[str, float | Score] | Failure
"""What `Evolution.tell` takes: one number or `Score` per metric, or a failure."""

"""What travels between a search and whoever evaluates it: candidates out, scores or failures back. All frozen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, get_args

G = TypeVar("G")
"""A genome: any immutable value that its space understands."""

FailureKind = Literal["nan", "memory", "crash", "timeout", "error"]


@dataclass(frozen=True)
class Candidate(Generic[G]):
    """A genome to evaluate, with its parents' ids (none: sampled) and the rung it is on (0: the first)."""

    id: int
    genome: G
    parents: tuple[int, ...] = ()
    fidelity: int = 0


@dataclass(frozen=True)
class Score:
    """A measured value: mean over `replicates` runs and the standard error of that mean, in the objective's unit."""

    mean: float
    error: float = 0.0
    replicates: int = 1

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
    """A candidate that has scores, by metric name."""

    id: int
    genome: G
    parents: tuple[int, ...]
    scores: Mapping[str, Score]


@dataclass(frozen=True)
class Failed(Generic[G]):
    """A candidate that has none, and why."""

    id: int
    genome: G
    parents: tuple[int, ...]
    failure: Failure


Outcome = Mapping[str, "float | Score"] | Failure
"""What `Evolution.tell` takes: one number or `Score` per metric, or a failure."""

Row = dict[str, Any]
"""A candidate as plain JSON: id, genome, parents, scores or None, failure or None (both None: still pending)."""


def scores_to_json(scores: Mapping[str, Score]) -> dict[str, list[float]]:
    """`[mean, error, replicates]` per metric."""
    return {name: [score.mean, score.error, score.replicates] for name, score in scores.items()}


def scores_from_json(data: Mapping[str, Any]) -> dict[str, Score]:
    """Read `scores_to_json`'s value; bare numbers are scores without an error."""
    return {name: Score(*value) if isinstance(value, (list, tuple)) else Score(value) for name, value in data.items()}

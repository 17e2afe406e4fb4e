"""What a search optimises: named objectives, each minimised or maximised; and how much of them a front dominates.

The hypervolume is that of Zitzler and Thiele, "Multiobjective optimization using evolutionary algorithms - a
comparative case study", PPSN 1998, below a reference point that no front falls outside of. Losses `[n, k]` are
minimised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import moocore
import numpy as np

from haemsa.evo.candidate import Failure, Outcome, Score
from haemsa.evo.nsga2 import Losses
from haemsa.evo.operators.individual import Fitness

Direction = Literal["min", "max"]
_GROWTH: Final = 1e-9
"""A volume that grows by a smaller share differs only by rounding."""


@dataclass(frozen=True)
class Objectives:
    """Names and directions in the order given. The first objective decides which candidate is listed first."""

    directions: tuple[tuple[str, Direction], ...]

    @classmethod
    def of(cls, directions: Mapping[str, Direction]) -> Objectives:
        """Check a mapping from name to "min" or "max".

        Raises:
            ValueError: for no objectives, or another direction.
        """
        if not directions:
            raise ValueError("a search has no objectives, expected at least one")
        for name, direction in directions.items():
            if direction not in ("min", "max"):
                raise ValueError(f"objective {name} has direction {direction!r}, expected 'min' or 'max'")
        return cls(tuple(directions.items()))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the objectives."""
        return tuple(name for name, _ in self.directions)

    @cached_property
    def weights(self) -> tuple[float, ...]:
        """DEAP's weights: -1 to minimise, 1 to maximise."""
        return tuple(-1.0 if direction == "min" else 1.0 for _, direction in self.directions)

    def settle(self, outcome: Outcome) -> dict[str, Score] | Failure:
        """Turn numbers into scores. An objective that is not finite makes a failure of kind "nan".

        Raises:
            ValueError: if an objective has no score.
        """
        if isinstance(outcome, Failure):
            return outcome
        scores = {name: v if isinstance(v, Score) else Score(float(v)) for name, v in outcome.items()}
        for name in self.names:
            if name not in scores:
                raise ValueError(f"objective {name} has no score, those told are {', '.join(scores) or 'none'}")
            if not scores[name].finite:
                return Failure("nan", f"{name} is {scores[name].mean}")
        return scores

    def means(self, scores: Mapping[str, Score]) -> Losses:
        """The means of scores as minimised losses `[k]`."""
        return self.losses({name: scores[name].mean for name in self.names})

    def fitness_of(self, losses: Losses, level: int = 0) -> Fitness:
        """The DEAP fitness of minimised losses `[k]` on a level."""
        values = [-weight * loss for weight, loss in zip(self.weights, losses.tolist(), strict=True)]
        return Fitness(self.weights, values, level)

    def losses(self, values: Mapping[str, float]) -> Losses:
        """Values by name, in their own direction, as minimised losses `[k]`.

        Raises:
            ValueError: if a name is missing, or is no objective.

        Example:
            >>> Objectives.of({"mae": "min", "corr": "max"}).losses({"mae": 0.5, "corr": 0.75}).tolist()
            [0.5, -0.75]
        """
        if set(values) != set(self.names):
            raise ValueError(f"values are given for {sorted(values)}, expected the objectives {', '.join(self.names)}")
        return np.array([-weight * values[name] for weight, name in zip(self.weights, self.names, strict=True)])


@dataclass(frozen=True, eq=False)
class Box:
    """The region from the best of each objective, `ideal` `[k]`, to just beyond the worst, `reference` `[k]`.

    Two volumes can be compared only in the same box.

    Example:
        >>> box = Box.around(np.array([[0.0, 10.0], [10.0, 0.0]]))
        >>> box.reference.tolist(), box.volume(np.array([[1.0, 1.0]])), box.share(np.array([[0.0, 0.0]]))
        ([11.0, 11.0], 100.0, 1.0)
    """

    ideal: Losses
    reference: Losses

    @classmethod
    def around(cls, losses: Losses, reference: Losses | None = None) -> Box:
        """The box of all these losses, at least one row. A `reference` that is given stands."""
        return cls(losses.min(axis=0), beyond(losses) if reference is None else reference)

    def volume(self, front: Losses) -> float:
        """The volume between a front and the reference point; 0.0 for an empty front."""
        return float(moocore.hypervolume(front, ref=self.reference)) if len(front) else 0.0

    def share(self, front: Losses) -> float:
        """The same volume as a share of the box, from 0 to 1."""
        whole = float(np.prod(np.maximum(self.reference - self.ideal, 0.0)))
        return self.volume(front) / whole if whole > 0 else 0.0


def grew(front: Losses, before: Losses, seen: Losses) -> bool:
    """Whether a front dominates more than another one before it, in a box of all that was seen until now.

    Example:
        >>> before = np.array([[5.0, 1.0]])
        >>> grew(np.array([[5.0, 1.0], [1.0, 99.0]]), before, np.array([[1.0, 99.0]]))
        True
    """
    box = Box.around(np.concatenate([seen, before]))
    return box.volume(front) > box.volume(before) * (1 + _GROWTH)


def beyond(losses: Losses) -> Losses:
    """The worst of `losses` in each objective plus a tenth of its range (of its size, where all are equal).

    Example:
        >>> beyond(np.array([[0.0, 5.0], [10.0, 5.0]])).tolist()
        [11.0, 5.5]
    """
    worst = losses.max(axis=0)
    span = worst - losses.min(axis=0)
    size = np.where(worst == 0, 1.0, np.abs(worst))
    reference: Losses = worst + 0.1 * np.where(span > 0, span, size)
    return reference

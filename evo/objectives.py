"""What a search optimises: named objectives, each of them minimised or maximised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from haemsa.evo.candidate import Failure, Outcome, Score
from haemsa.evo.individual import Fitness
from haemsa.evo.nsga2 import Losses

Direction = Literal["min", "max"]


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

    def fitness_of(self, losses: Losses) -> Fitness:
        """The DEAP fitness of minimised losses `[k]`."""
        return Fitness(self.weights, [-weight * loss for weight, loss in zip(self.weights, losses, strict=True)])

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

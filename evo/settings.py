"""What a search is set to, checked. A saved search goes on only with the same settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from haemsa.evo.checkpoint import FORMAT
from haemsa.evo.objectives import Objectives
from haemsa.evo.rungs import Ladder

Mode = Literal["steady", "generational"]


@dataclass(frozen=True)
class Settings:
    """See `Evolution`. Raises ValueError for a setting out of range."""

    seed: int
    population_size: int
    mode: Mode
    objectives: Objectives
    ladder: Ladder
    crossover: float
    mutation: float
    screening: int

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}, expected 0 or more")
        if self.population_size < 2:
            raise ValueError(f"population_size is {self.population_size}, expected 2 or more")
        if self.mode not in get_args(Mode):
            raise ValueError(f"mode is {self.mode!r}, expected one of {', '.join(get_args(Mode))}")
        if self.screening < 1:
            raise ValueError(f"screening is {self.screening}, expected 1 or more")
        for name, rate in {"crossover": self.crossover, "mutation": self.mutation}.items():
            if not 0 <= rate <= 1:
                raise ValueError(f"{name} is {rate}, expected a share from 0 to 1")

    def to_json(self) -> dict[str, Any]:
        """All of them, and the format of the state."""
        ladder = self.ladder
        return {
            "format": FORMAT,
            "seed": self.seed,
            "mode": self.mode,
            "population_size": self.population_size,
            "objectives": [list(item) for item in self.objectives.directions],
            "ladder": [ladder.eta, ladder.full, *([rung.epochs, rung.replicates] for rung in ladder.rungs)],
            "crossover": self.crossover,
            "mutation": self.mutation,
            "screening": self.screening,
        }

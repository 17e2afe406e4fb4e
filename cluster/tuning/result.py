"""What tuning found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from haemsa.evo.candidate import Score
from haemsa.evo.objectives import Direction
from haemsa.model.spec.genome import Genome

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Tuning:
    """What tuning found: `genome` is the better of `original` and `tuned`, None if that was not found out.

    `scores`: of the two by `metric`, on fresh seeds; None for one that could not be trained, or where the best trial
    was the original itself. `folds`: what scored them; `data`: its name; `folder`: where all is kept.
    """

    data: str
    metric: str
    direction: Direction
    folds: str
    trials: Sequence[Tried]
    original: Genome
    tuned: Genome
    genome: Genome | None
    scores: tuple[Score | None, Score | None] = (None, None)
    folder: Path = Path()

    @property
    def difference(self) -> Score | None:
        """Tuned less original, replicate by replicate."""
        before, after = self.scores
        if before is None or after is None:
            return None
        return Score.of([b - a for a, b in zip(before.values, after.values, strict=True)])


@dataclass
class Tried:
    """A trial: its genome, the scores by epochs, and how it ended. `error`: of the last score.

    ended: after all its epochs; stopped: by the scheduler or the time, as it was not promising or too late.
    """

    number: int
    genome: Genome
    scores: dict[int, float] = field(default_factory=dict)
    error: float = math.nan
    state: Literal["unfinished", "ended", "stopped", "failed"] = "unfinished"
    why: str = ""

    @property
    def score(self) -> float:
        """The last; NaN before the first."""
        return next(reversed(self.scores.values()), math.nan)

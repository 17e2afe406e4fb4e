"""What a tuning found: its trials, and the better genome."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from haemsa.evo.candidate import Score
from haemsa.evo.objectives import Direction
from haemsa.model.spec.genome import Genome


@dataclass
class Tried:
    """A trial: its genome, its scores by epochs, and how it ended.

    `error`: of the last score. `state`: "ended" after all its epochs, "stopped" by the scheduler or the time limit,
    "unfinished" if the tuning was interrupted. `why`: the reason, if it failed. `checkpoint`: the folder of its last
    state, from which it goes on.
    """

    number: int
    genome: Genome
    scores: dict[int, float] = field(default_factory=dict)
    error: float = math.nan
    state: Literal["unfinished", "ended", "stopped", "failed"] = "unfinished"
    why: str = ""
    checkpoint: str = ""

    @property
    def score(self) -> float:
        """The last score; NaN before the first."""
        return next(reversed(self.scores.values()), math.nan)


@dataclass(frozen=True)
class Tuning:
    """What a tuning found.

    Attributes:
        data: The name of the data.
        metric: What the trials were judged by.
        direction: "min" or "max".
        folds: What scored them: "holdout" or "folds:K".
        trials: All trials, by number. The first is the original genome.
        original: The genome that was tuned.
        tuned: The genome of the best trial that had all its epochs.
        genome: The tuned genome if it is better on fresh seeds by more than the error of the difference; otherwise the
            original. None if that was not found out.
        scores: Of original and tuned on fresh seeds. None for a genome that could not be trained. Both are None if the
            best trial was the original itself.
        folder: Where all this is kept.
        source: Where the data was read. None: it was given from Python.
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
    source: str | None = None

    @property
    def difference(self) -> Score | None:
        """Tuned minus original, replicate by replicate."""
        before, after = self.scores
        return None if before is None or after is None else between(before, after)


def between(before: Score, after: Score) -> Score:
    """The second score minus the first, replicate by replicate, with the error of their mean.

    Example:
        >>> between(Score.of([1.0, 2.0]), Score.of([0.8, 2.0])).mean
        -0.09999999999999998
    """
    return Score.of([b - a for a, b in zip(before.values, after.values, strict=True)])

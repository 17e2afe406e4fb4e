"""Whether fine-tuning is worth it, and how many epochs it takes, by networks that left out a fold. Axes: `F` folds."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haemsa.cluster.shared.text import counted
from haemsa.model.metrics import direction


@dataclass(frozen=True)
class Verdict:
    """What the folds say.

    metric: what counts. before, after: its mean over the folds. error: the standard error of the difference, which is
    paired by folds. epochs: of the final networks. each: the epochs after which each fold is scored.
    """

    metric: str
    before: float
    after: float
    error: float
    epochs: int
    each: tuple[int, ...]

    @property
    def gain(self) -> float:
        """By how much it is better."""
        return self.before - self.after if direction(self.metric) == "min" else self.after - self.before

    @property
    def kept(self) -> bool:
        """Whether it is better by more than the error of the difference."""
        return self.epochs > 0 and self.gain > self.error

    @property
    def sentence(self) -> str:
        """Both figures, and what follows."""
        epochs = counted(self.epochs, "epoch")
        figures = f"{self.metric} on held-out folds {self.before:.4g} before, {self.after:.4g} after"
        if self.kept:
            return f"{figures}; better by {self.gain:.2g} ± {self.error:.2g}, so the model has it ({epochs})"
        return f"{figures}; not better by more than the error of {self.error:.2g}, so the model does without"

    def facts(self, stream: str) -> dict[str, Any]:
        """All of it as plain JSON values."""
        told = {"kept": self.kept, "sentence": f"fine-tuning {stream}: {self.sentence}"}
        return {"stream": stream, **asdict(self), "each": list(self.each), **told}


def fine_tuning_note(saved: Path) -> list[str]:
    """A sentence that says what fine-tuning gave, if it was asked for.

    Args:
        saved: the folder of the model, as `train_for_good` saved it.

    Example:
        >>> fine_tuning_note(Path("models/clips"))  # doctest: +SKIP
        ['fine-tuning text_mpnet: mae on held-out folds 0.742 before, 0.711 after; better by 0.031 ± 0.008, ...']
    """
    facts = json.loads((saved / "metrics.json").read_text(encoding="utf-8")).get("finetuned")
    return [facts["sentence"]] if facts else []


def verdict(metric: str, curves: Sequence[Sequence[float]]) -> Verdict:
    """Judge fine-tuning.

    The best number of epochs is that with the best mean over the folds. A fold must not choose the epoch after which it
    is scored itself, so the other folds choose that.

    Args:
        metric: What counts.
        curves: For each fold, its score before, and after each epoch. A fold that stopped early stays as it was last.

    Example:
        >>> found = verdict("mae", [[1.0, 0.8, 0.9], [1.0, 0.7, 0.6], [0.9, 0.7, 0.8]])
        >>> found.epochs, found.each, round(found.after, 3), found.kept
        (1, (1, 1, 1), 0.733, True)
    """
    longest = max(map(len, curves))
    scores = np.array([[*curve, *[curve[-1]] * (longest - len(curve))] for curve in curves])
    each = tuple(_best(metric, np.delete(scores, fold, axis=0)) for fold in range(len(scores)))
    after = scores[np.arange(len(scores)), each]
    differences = after - scores[:, 0]
    error = float(differences.std(ddof=1) / math.sqrt(len(scores)))
    return Verdict(metric, float(scores[:, 0].mean()), float(after.mean()), error, _best(metric, scores), each)


def _best(metric: str, scores: NDArray[np.float64]) -> int:
    """The number of epochs with the best mean of scores [F, epochs]; of equal ones the smallest."""
    means = scores.mean(axis=0)
    return int(means.argmin() if direction(metric) == "min" else means.argmax())

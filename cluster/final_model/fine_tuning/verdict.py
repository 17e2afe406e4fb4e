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

    metric: what counts. before, without, after: its mean over the folds: of the networks as they were, if they train on
    without the encoder, and with it. error: the standard error of the difference of `after` and the better of the other
    two, which is paired by folds. epochs: of the final networks. each: the epochs after which each fold is scored.
    """

    metric: str
    before: float
    without: float
    after: float
    error: float
    epochs: int
    each: tuple[int, ...]

    @property
    def gain(self) -> float:
        """By how much it is better than networks without it, those of before or those that train on."""
        if direction(self.metric) == "min":
            return min(self.before, self.without) - self.after
        return self.after - max(self.before, self.without)

    @property
    def kept(self) -> bool:
        """Whether it is better by more than the error of the difference."""
        return self.epochs > 0 and self.gain > self.error

    @property
    def sentence(self) -> str:
        """All three figures, and what follows."""
        epochs = counted(self.epochs, "epoch")
        others = f"{self.before:.4g} before, {self.without:.4g} if only the networks train on"
        figures = f"{self.metric} on held-out folds {others}, {self.after:.4g} with the encoder"
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
        ['fine-tuning text_mpnet: mae on held-out folds 0.742 before, 0.735 if only the networks train on, ...']
    """
    facts = json.loads((saved / "metrics.json").read_text(encoding="utf-8")).get("finetuned")
    return [facts["sentence"]] if facts else []


def verdict(metric: str, curves: Sequence[Sequence[float]], controls: Sequence[Sequence[float]]) -> Verdict:
    """Judge fine-tuning.

    The best number of epochs is that with the best mean over the folds. A fold must not choose the epoch after which it
    is scored itself, so the other folds choose that.

    Args:
        metric: What counts.
        curves: For each fold, its score before, and after each epoch. A fold that stopped early stays as it was last.
        controls: The same if only the networks train on.

    Example:
        >>> tuned, networks = [[1.0, 0.8, 0.9], [1.0, 0.7, 0.6], [0.9, 0.7, 0.8]], [[1.0, 0.9], [1.0, 0.9], [0.9, 0.9]]
        >>> found = verdict("mae", tuned, networks)
        >>> found.epochs, found.each, round(found.without, 3), round(found.after, 3), found.kept
        (1, (1, 1, 1), 0.9, 0.733, True)
    """
    scores, others = _even(curves), _even(controls)
    before, (without, _), (after, each) = scores[:, 0], _by_others(metric, others), _by_others(metric, scores)
    best = min if direction(metric) == "min" else max
    differences = after - best(before, without, key=np.mean)
    error = float(differences.std(ddof=1) / math.sqrt(len(scores)))
    means = [float(one.mean()) for one in (before, without, after)]
    return Verdict(metric, means[0], means[1], means[2], error, _best(metric, scores), each)


def _even(curves: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Curves of one length, [F, epochs]."""
    longest = max(map(len, curves))
    return np.array([[*curve, *[curve[-1]] * (longest - len(curve))] for curve in curves])


def _by_others(metric: str, scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """The score [F] of each fold after the epochs that the other folds find best, and these epochs."""
    each = tuple(_best(metric, np.delete(scores, fold, axis=0)) for fold in range(len(scores)))
    return scores[np.arange(len(scores)), each], each


def _best(metric: str, scores: NDArray[np.float64]) -> int:
    """The number of epochs with the best mean of scores [F, epochs]; of equal ones the smallest."""
    means = scores.mean(axis=0)
    return int(means.argmin() if direction(metric) == "min" else means.argmax())

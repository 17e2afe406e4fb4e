"""How far a model's predictions are to be trusted: intervals for values, and probabilities that are as often right.

Both are fitted on samples that the networks, or others like them, were not trained on. Axes: `K` members, `N` samples,
`C` outputs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.task import Task

LEVEL: Final = 0.9
"""The share of labels that intervals are to hold."""
_WEIGHTS: Final = (0.0, *np.geomspace(0.01, 100, 41).tolist())
_SHARPNESS: Final = np.geomspace(1 / 8, 8, 241)
Floats = NDArray[Any]


@dataclass(frozen=True)
class Interval:
    """An interval around each value, on both sides `width * sqrt(1 + weight * spread^2)`."""

    width: float
    weight: float

    def __post_init__(self) -> None:
        _check("width", self.width)
        _check("weight", self.weight)

    @classmethod
    def fit(cls, errors: Floats, spread: Floats) -> Interval:
        """From the errors [N] of held-out predictions, and the spread of the members that made them [N].

        `weight` is the one under which Gaussian errors of variance s^2 (1 + weight * spread^2) are likeliest. `width`
        is that quantile of the errors so scaled which makes intervals hold `LEVEL` of the labels to come, whatever the
        distribution of errors (split conformal prediction, Lei et al. 2018, section 5.2).
        """
        squares = spread**2
        unit = float(squares.mean()) or 1.0
        scales = [1 + weight / unit * squares for weight in _WEIGHTS]
        losses = [math.log(max((errors**2 / scale).mean(), 1e-12)) + np.log(scale).mean() for scale in scales]
        best = int(np.argmin(losses))
        scaled = np.sort(np.abs(errors) / np.sqrt(scales[best]))
        rank = min(math.ceil((len(errors) + 1) * LEVEL), len(errors))
        return cls(float(scaled[rank - 1]), _WEIGHTS[best] / unit)

    def around(self, values: Floats, spread: Floats, bounds: tuple[float, float] | None) -> tuple[Floats, Floats]:
        """The ends of each value's interval [N], within the bounds of the labels."""
        half = self.width * np.sqrt(1 + self.weight * spread**2)
        low, high = bounds or (-math.inf, math.inf)
        return np.clip(values - half, low, high), np.clip(values + half, low, high)


@dataclass(frozen=True)
class Temperature:
    """Above 1 probabilities become more even, below 1 more extreme; which is the likeliest stays as it was."""

    temperature: float

    def __post_init__(self) -> None:
        _check("temperature", self.temperature)
        if self.temperature == 0:
            raise ValueError("the temperature is 0, expected more")

    @classmethod
    def fit(cls, probabilities: Floats, labels: NDArray[np.int64]) -> Temperature:
        """The temperature under which held-out labels [N] are likeliest (Guo et al. 2017, section 4.2)."""
        logs, own = np.log(np.clip(probabilities, 1e-12, 1)), (np.arange(len(labels)), labels)
        losses = [-np.log(np.maximum(_softmax(sharp * logs)[own], 1e-12)).mean() for sharp in _SHARPNESS]
        return cls(float(1 / _SHARPNESS[int(np.argmin(losses))]))

    def apply(self, probabilities: Floats) -> NDArray[np.float32]:
        """Calibrated probabilities [N, C]."""
        return _softmax(np.log(np.clip(probabilities, 1e-12, 1)) / self.temperature).astype(np.float32)


Calibration = Interval | Temperature


def fit(task: Task, mean: Floats, spread: Floats) -> Calibration | None:
    """From held-out predictions, the mean and spread of members [N, C]; None for a multilabel task."""
    known = task.labelled
    if task.kind == "regression":
        return Interval.fit(mean[known, 0] - task.targets[known], spread[known, 0])
    return Temperature.fit(mean[known], task.targets[known]) if task.kind == "classes" else None


def spread_of(members: Floats) -> Floats:
    """Standard deviation [N, C] of the members' predictions [K, N, C]; 0 of one."""
    return np.asarray(members.std(0, ddof=min(1, len(members) - 1)))


def reliability(task: Task, calibration: Calibration, mean: Floats, spread: Floats) -> dict[str, float]:
    """`coverage`: the share of labels within their intervals; or `ece`: the expected calibration error of classes."""
    known = task.labelled
    if isinstance(calibration, Interval):
        low, high = calibration.around(mean[known, 0], spread[known, 0], task.bounds)
        return {"coverage": float(((low <= task.targets[known]) & (task.targets[known] <= high)).mean())}
    probabilities = calibration.apply(mean[known])
    right = probabilities.argmax(1) == task.targets[known]
    return {"ece": Reliability.of(probabilities.max(1), right).error}


def from_dict(data: Mapping[str, Mapping[str, float]]) -> dict[str, Calibration]:
    """By task, as `vars` of each gave them. Raises ValueError or TypeError for anything else."""
    return {
        str(name): Temperature(**item) if "temperature" in item else Interval(**item) for name, item in data.items()
    }


def _softmax(logits: Floats) -> Floats:
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(shares / shares.sum(1, keepdims=True))


def _check(name: str, value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"the {name} is {value}, expected a number from 0")


BINS: Final = 15


@dataclass(frozen=True)
class Reliability:
    """By bin of predicted probability: its mean, how often it came true, and the share of predictions; [b] each.

    error: the expected calibration error (Guo et al. 2017, eq. 3), the mean gap between the two over predictions.
    """

    chances: NDArray[np.float64]
    rates: NDArray[np.float64]
    shares: NDArray[np.float64]

    @classmethod
    def of(cls, chances: NDArray[Any], true: NDArray[np.bool_]) -> Reliability:
        """Of predictions [N], in bins of equal width; empty ones are left out."""
        place = np.minimum((chances * BINS).astype(int), BINS - 1)
        counts = np.bincount(place, minlength=BINS)
        some = counts > 0
        sure, right = (np.bincount(place, values, BINS)[some] / counts[some] for values in (chances, true))
        return cls(sure, right, counts[some] / len(chances))

    @property
    def error(self) -> float:
        """Mean distance of how sure from how often right."""
        return float((self.shares * np.abs(self.chances - self.rates)).sum())

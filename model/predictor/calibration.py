"""How far predictions can be trusted: intervals around values, and probabilities that come true as often as they say.

Both are fitted on samples that the networks, or others like them, were not trained on. Axes: `K` members, `N` samples,
`C` outputs, `b` bins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.bounds import within
from haemsa.model.data.task import Task

LEVEL: Final = 0.9
"""The share of labels that intervals should contain."""
BINS: Final = 15
"""Bins of predicted probability in which `Reliability` counts."""
_WEIGHTS: Final = (0.0, *np.geomspace(0.01, 100, 41).tolist())
"""Weights of the spread that are tried, relative to its mean square."""
_SHARPNESS: Final = np.geomspace(1 / 8, 8, 121)
"""Inverse temperatures that are tried."""
_NOISE: Final = np.array([0.0, *np.geomspace(0.002, 0.5, 30)])
"""Shares of labels at random that are tried."""
Floats = NDArray[Any]


@dataclass(frozen=True)
class Interval:
    """An interval around each predicted value: `width * sqrt(1 + weight * spread^2)` on both sides.

    Args:
        width: Half the width of the interval where the members agree.
        weight: How much the spread of the members widens it.

    Raises:
        ValueError: A number is negative or not finite.
    """

    width: float
    weight: float

    def __post_init__(self) -> None:
        _check("width", self.width)
        _check("weight", self.weight)

    @classmethod
    def fit(cls, errors: Floats, spread: Floats) -> Interval:
        """Fit an interval on held-out predictions.

        The weight makes the errors likeliest, if they are Gaussian with the variance s^2 (1 + weight * spread^2). The
        width is a quantile of the errors after this scaling. It makes intervals contain `LEVEL` of future labels, for
        any distribution of errors (split conformal prediction, Lei et al. 2018, section 5.2).

        Args:
            errors: Predictions minus labels, [N].
            spread: The standard deviation of the members' predictions, [N].
        """
        errors, squares = errors.astype(np.float64), spread.astype(np.float64) ** 2
        unit, size = float(squares.mean()) or 1.0, float((errors**2).mean()) or 1.0
        scales = [1 + weight / unit * squares for weight in _WEIGHTS]
        losses = [math.log(max((errors**2 / scale).mean() / size, 1e-12)) + np.log(scale).mean() for scale in scales]
        best = int(np.argmin(losses))
        scaled = np.sort(np.abs(errors) / np.sqrt(scales[best]))
        rank = min(math.ceil((len(errors) + 1) * LEVEL), len(errors))
        return cls(float(scaled[rank - 1]), _WEIGHTS[best] / unit)

    def around(self, values: Floats, spread: Floats, bounds: tuple[float, float] | None) -> tuple[Floats, Floats]:
        """The lower and upper ends of the intervals around predictions [N], all within the bounds of the labels."""
        values, half = within(values, bounds), self.width * np.sqrt(1 + self.weight * spread.astype(np.float64) ** 2)
        return within(values - half, bounds), within(values + half, bounds)


@dataclass(frozen=True)
class Temperature:
    """Calibrates class probabilities. Their order stays.

    Labels are often wrong at random. Then no prediction is as sure as a network says of its surest ones, while the mean
    of several networks is too unsure of the others. A temperature alone cannot mend both.

    Args:
        temperature: The divisor of the log-probabilities: above 1 they become more even, below 1 more extreme.
        noise: The share of labels that are as if drawn at random. This share of each prediction goes to all classes.

    Raises:
        ValueError: The temperature is not a finite number above 0, or the noise is not between 0 and 1.
    """

    temperature: float
    noise: float = 0.0

    def __post_init__(self) -> None:
        _check("temperature", self.temperature)
        if self.temperature == 0:
            raise ValueError("the temperature is 0, expected more")
        _check("noise", self.noise)
        if self.noise >= 1:
            raise ValueError(f"the noise is {self.noise}, expected less than 1")

    @classmethod
    def fit(cls, probabilities: Floats, labels: NDArray[np.int64]) -> Temperature:
        """The temperature (Guo et al. 2017, section 4.2) and the noise that make held-out labels [N] likeliest.

        Args:
            probabilities: The mean predictions of the members, [N, C].
            labels: The classes, int64 [N].
        """
        logs, place = np.log(np.clip(probabilities, 1e-12, 1)), (np.arange(len(labels)), labels)
        losses = []
        for sharp in _SHARPNESS:
            chance = _softmax(sharp * logs)[place]
            mixed = ((1 - noise) * chance + noise / logs.shape[1] for noise in _NOISE)
            losses += [-np.log(np.maximum(likely, 1e-12)).mean() for likely in mixed]
        row, column = divmod(int(np.argmin(losses)), len(_NOISE))
        return cls(float(1 / _SHARPNESS[row]), float(_NOISE[column]))

    def apply(self, probabilities: Floats) -> NDArray[np.float32]:
        """Calibrated probabilities [N, C]."""
        tempered = _softmax(np.log(np.clip(probabilities, 1e-12, 1)) / self.temperature)
        return np.asarray((1 - self.noise) * tempered + self.noise / tempered.shape[1], dtype=np.float32)


Calibration = Interval | Temperature


def fit(task: Task, mean: Floats, spread: Floats) -> Calibration | None:
    """Calibrate a task on held-out predictions: the mean and the spread of the members [N, C]. None for multilabel."""
    labelled = task.labelled
    if task.kind == "regression":
        return Interval.fit(within(mean[labelled, 0], task.bounds) - task.targets[labelled], spread[labelled, 0])
    return Temperature.fit(mean[labelled], task.targets[labelled]) if task.kind == "classes" else None


def spread_of(members: Floats) -> Floats:
    """The standard deviation [N, C] of the members' predictions [K, N, C]; 0 for one member."""
    return np.asarray(members.std(0, ddof=min(1, len(members) - 1), dtype=np.float64))


def reliability(task: Task, calibration: Calibration, mean: Floats, spread: Floats) -> dict[str, float]:
    """How well a calibration holds on labelled predictions, the mean and the spread of the members [N, C].

    Returns:
        `coverage`, the share of labels within their intervals; or `ece`, the expected calibration error of classes.
    """
    labelled = task.labelled
    if isinstance(calibration, Interval):
        low, high = calibration.around(mean[labelled, 0], spread[labelled, 0], task.bounds)
        return {"coverage": float(((low <= task.targets[labelled]) & (task.targets[labelled] <= high)).mean())}
    probabilities = calibration.apply(mean[labelled])
    right = probabilities.argmax(1) == task.targets[labelled]
    return {"ece": Reliability.of(probabilities.max(1), right).error}


def from_dict(data: Mapping[str, Mapping[str, float]]) -> dict[str, Calibration]:
    """The calibration of each task, from the `vars` of each. Raises ValueError or TypeError for anything else."""
    return {
        str(name): Temperature(**item) if "temperature" in item else Interval(**item) for name, item in data.items()
    }


def _softmax(logits: Floats) -> Floats:
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(shares / shares.sum(1, keepdims=True))


def _check(name: str, value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"the {name} is {value}, expected a number from 0")


@dataclass(frozen=True)
class Reliability:
    """How often predictions of each probability come true. Bins without predictions are left out.

    Attributes:
        chances: The mean predicted probability in each bin, [b].
        rates: How often these predictions came true, [b].
        shares: The share of all predictions that lie in each bin, [b].

    Example:
        >>> Reliability.of(np.array([0.9, 0.9, 0.1]), np.array([True, False, False])).error.__round__(3)
        0.3
    """

    chances: NDArray[np.float64]
    rates: NDArray[np.float64]
    shares: NDArray[np.float64]

    @classmethod
    def of(cls, chances: NDArray[Any], true: NDArray[np.bool_]) -> Reliability:
        """The reliability of N predictions: their probabilities, and whether each came true. Bins have equal width."""
        bin_of = np.minimum((chances * BINS).astype(int), BINS - 1)
        counts = np.bincount(bin_of, minlength=BINS)
        filled = counts > 0
        means, rates = (np.bincount(bin_of, values, BINS)[filled] / counts[filled] for values in (chances, true))
        return cls(means, rates, counts[filled] / len(chances))

    @property
    def error(self) -> float:
        """The expected calibration error: the mean distance of probability from frequency (Guo et al. 2017, eq. 3)."""
        return float((self.shares * np.abs(self.chances - self.rates)).sum())

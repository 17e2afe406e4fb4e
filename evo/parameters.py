"""Single parameters of a search space, each as what a place in [0, 1] means: all places are as likely."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


def _check(kind: str, low: float, high: float, step: float | None, logarithmic: bool) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"a {kind} number has low {low} and high {high}, expected low to be at most high")
    if logarithmic and low <= 0:
        raise ValueError(f"a {kind} number has low {low}, expected more than 0 on a logarithmic scale")
    if step is not None and not (math.isfinite(step) and step > 0):
        raise ValueError(f"a {kind} number has step {step}, expected more than 0")


def _between(low: float, high: float, place: float, logarithmic: bool) -> float:
    if logarithmic:
        return math.exp(_between(math.log(low), math.log(high), place, False))
    return low + place * (high - low)


@dataclass(frozen=True)
class Real:
    """A number from `low` to `high`, on a logarithmic scale or not; with a `step`, one of its multiples."""

    low: float
    high: float
    logarithmic: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        _check("real", self.low, self.high, self.step, self.logarithmic)

    def code(self, place: float) -> float:
        """The value itself."""
        found = _between(self.low, self.high, place, self.logarithmic)
        if self.step is not None:
            found = round(found / self.step) * self.step
        return min(max(found, self.low), self.high)

    value = code


@dataclass(frozen=True)
class Whole:
    """A multiple of `step` from `low` to `high`, both included and multiples themselves."""

    low: int
    high: int
    logarithmic: bool = False
    step: int = 1

    def __post_init__(self) -> None:
        _check("whole", self.low, self.high, self.step, self.logarithmic)
        if self.low % self.step or self.high % self.step:
            raise ValueError(f"a whole number goes from {self.low} to {self.high}, expected multiples of {self.step}")

    def code(self, place: float) -> int:
        """The value itself."""
        first, last = self.low // self.step, self.high // self.step
        count = math.floor(_between(first, last + 1, place, self.logarithmic))
        return self.step * min(max(count, first), last)

    value = code


@dataclass(frozen=True)
class Choice:
    """One of some values, in no order; they may be of any kind."""

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a choice has no values, expected one or more")

    def code(self, place: float) -> int:
        """The number of the value."""
        return min(int(place * len(self.values)), len(self.values) - 1)

    def value(self, place: float) -> Any:
        """The value."""
        return self.values[self.code(place)]


Parameter = Real | Whole | Choice
"""`code(place)` tells the values of a parameter apart; `value(place)` is what a user gets."""

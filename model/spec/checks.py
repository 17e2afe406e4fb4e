"""Checks of a genome's values. Each raises ValueError: one sentence with the name, the value and what was expected."""

from __future__ import annotations

import math
from typing import Any, get_args


def check_range(name: str, value: float, low: float, high: float) -> None:
    """A finite number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{name} is {value!r}, expected a number from {low} to {high}")
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}, expected {low} to {high}")


def check_count(name: str, value: int, low: int, high: int) -> None:
    """A whole number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name} is {value!r}, expected a whole number from {low} to {high}")
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}, expected {low} to {high}")


def check_kind(name: str, value: str, kinds: Any) -> None:
    """One of the words of the Literal `kinds`."""
    if value not in get_args(kinds):
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(get_args(kinds))}")

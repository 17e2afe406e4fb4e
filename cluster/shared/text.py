"""Words from data, made safe to show: names in a file may hold anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


def number(value: float) -> str:
    """A number that is quickly read: 0.9123, 1234, 12.3k, 4.6M, 7.9G."""
    for least, scale, unit in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k"), (1e3, 1, "")):
        if abs(value) >= least:
            return f"{value / scale:.{0 if scale == 1 else 1}f}{unit}"
    return f"{value:.4g}"


def duration(seconds: float) -> str:
    """A span of time, such as "42s", "3m 05s" or "2h 10m"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"


def printable(text: str, limit: int = 200) -> str:
    """`text` on one line without control characters, at most `limit` characters long."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def counted(number: int, one: str, many: str = "") -> str:
    """The number with its noun: "1 group", "3 groups"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(words: Sequence[str], total: int | None = None) -> str:
    """The first three words with commas, and how many more there are of `total` (default: of the words)."""
    more = (len(words) if total is None else total) - 3
    return ", ".join(words[:3]) + (f" and {more:,} more" if more > 0 else "")

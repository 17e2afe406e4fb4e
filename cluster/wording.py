"""Words from data, made safe to show: names in a file may hold anything."""

from __future__ import annotations

from collections.abc import Sequence


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

"""Numbers, times and names as text for people. Names that come from a file may hold anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal


def number(value: float) -> str:
    """A number that is easy to read.

    Example:
        >>> [number(value) for value in (0.91234, 1234, 12345, 4.6e6)]
        ['0.9123', '1234', '12.3k', '4.6M']
    """
    for least, scale, unit in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k"), (1e3, 1, "")):
        if abs(value) >= least:
            return f"{value / scale:.{0 if scale == 1 else 1}f}{unit}"
    return f"{value:.4g}"


def figure(value: float, decimals: int = 4, sign: Literal["", "+"] = "") -> str:
    """A score for a table: so many decimals, or significant digits where the unit makes a score very small or large.

    Args:
        value: The score.
        decimals: How many decimals a score of an ordinary unit has.
        sign: "+" shows the sign of a number above 0 too.

    Example:
        >>> [figure(value) for value in (0.4, -12.5, 0.0000123456, 1234567.89)]
        ['0.4000', '-12.5000', '1.23e-05', '1234568']
    """
    if value and not 10 ** (1 - decimals) <= abs(value) < 1e5:
        return f"{value:{sign}.{decimals - 1}g}" if abs(value) < 1 else f"{value:{sign}.7g}"
    return f"{value:{sign}.{decimals}f}"


def duration(seconds: float) -> str:
    """A span of time.

    Example:
        >>> [duration(seconds) for seconds in (42, 185, 7800)]
        ['42s', '3m 05s', '2h 10m']
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"


def moment(at: float) -> str:
    """A time, given in seconds since 1970.

    Example:
        >>> moment(1e9)
        '2001-09-09T01:46:40.000Z'
    """
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def printable(text: str, limit: int = 200) -> str:
    """`text` on one line without control characters, at most `limit` characters long."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def counted(number: int, one: str, many: str = "") -> str:
    """The number with its noun.

    Example:
        >>> counted(1, "group"), counted(3, "group"), counted(2, "query", "queries")
        ('1 group', '3 groups', '2 queries')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(words: Sequence[str], total: int | None = None) -> str:
    """The first three words with commas, and how many more there are. `total`: of how many; None: of the words.

    Example:
        >>> listed(["a", "b", "c", "d", "e"])
        'a, b, c and 2 more'
    """
    more = (len(words) if total is None else total) - 3
    return ", ".join(words[:3]) + (f" and {more:,} more" if more > 0 else "")

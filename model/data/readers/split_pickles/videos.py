"""The video of each utterance, which its name tells. Utterances of one video belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_CERTAIN: Final = ("$_$", "[")
_LIKELY: Final = ("/", "_")
_LEAST: Final = 5
"""With fewer videos than this, names are taken for "sample_1", "sample_2", ..., which tell no videos."""


def groups_of(names: Sequence[str], notes: list[str]) -> list[str]:
    """The video of each utterance.

    It is the text before the last "$_$", or before the last "[". For names without these, it is the text before the
    last "/" or "_", if a number follows in all of them and they name at least five videos. Otherwise each such sample
    is its own group, and `notes` get a line.

    Example:
        >>> groups_of(["abc$_$1", "abc$_$2", "d[3]"], notes=[])
        ['abc', 'abc', 'd']
    """
    heads = [next(filter(None, (_head(name, separator) for separator in _CERTAIN)), "") for name in names]
    others = [name for name, head in zip(names, heads, strict=True) if not head]
    separator = next((separator for separator in _LIKELY if _tells(others, separator)), None)
    if others and separator is None:
        notes.append(
            f"{len(others)} ids name no video, as {others[0][:40]!r} does not: each such sample is its own group"
        )
    return [
        head or (name if separator is None else _head(name, separator)) for name, head in zip(names, heads, strict=True)
    ]


def _head(name: str, separator: str) -> str:
    """The text before the last separator, or ""."""
    return name.rpartition(separator)[0]


def _tells(names: Sequence[str], separator: str) -> bool:
    """Whether each name is a video and a number, and there are enough videos."""
    parts = [name.rpartition(separator) for name in names]
    return all(head and tail.isdecimal() for head, _, tail in parts) and len({head for head, *_ in parts}) >= _LEAST

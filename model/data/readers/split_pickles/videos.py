"""Which samples belong together, told by their names: utterances of a video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_CERTAIN: Final = ("$_$", "[")
_LIKELY: Final = ("/", "_")
_LEAST: Final = 5
"""Names such as "sample_1", "sample_2", ... would make fewer groups, which no folds could keep together."""


def groups_of(names: Sequence[str], notes: list[str]) -> list[str]:
    """The video of each utterance: what stands before the last "$_$", else before the last "[".

    Else it is what stands before the last "/" or "_", if what follows is a number in all such names, and at least five
    videos are told apart. Else a sample is its own group, and `notes` gets a line.
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
    """What stands before the last separator, or nothing."""
    return name.rpartition(separator)[0]


def _tells(names: Sequence[str], separator: str) -> bool:
    """Whether all names are those of videos and a number."""
    parts = [name.rpartition(separator) for name in names]
    return all(head and tail.isdecimal() for head, _, tail in parts) and len({head for head, *_ in parts}) >= _LEAST

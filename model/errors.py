"""Errors in words: any error as one line, and pydantic's as one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pydantic import ValidationError

Place = tuple[int | str, ...]
"""Where in its input a value stands, as pydantic tells it: keys from the outside in."""
_LONGEST_LINE: Final = 500
_LONGEST_VALUE: Final = 80
_BOUNDS: Final = {"greater": "more", "less": "less"}


def error_line(error: BaseException) -> str:
    """An error as one line: its type, and the first line of what it says.

    Example:
        >>> error_line(KeyError("text"))
        "KeyError: 'text'"
    """
    kind, lines = type(error).__name__, str(error).strip().splitlines()
    return f"{kind}: {lines[0]}"[:_LONGEST_LINE] if lines else kind


def validation_sentence(
    error: ValidationError,
    fields: Callable[[Place], Mapping[str, str | None]],
    name: Callable[[Place], str],
) -> str:
    """The first thing that pydantic found wrong, in one sentence: its name, its value, and what was expected.

    Args:
        error: What pydantic raised.
        fields: Gives the fields that exist at a place, with what each is for.
        name: Gives the name of a place. The members of a union, which pydantic adds, have the same name.
    """
    problems = error.errors(include_url=False)
    first = problems[0]
    if first["type"] == "missing":  # its name may only be misspelt
        first = next((problem for problem in problems if problem["type"] == "extra_forbidden"), first)
    place = name(first["loc"])
    if first["type"] == "extra_forbidden":
        known = fields(first["loc"])
        return f"{place} is unknown{near(str(first['loc'][-1]), known)}, expected one of {', '.join(known)}"
    if first["type"] == "missing":
        return f"{place} is missing, expected {(fields(first['loc'])[str(first['loc'][-1])] or '').removesuffix('.')}"
    messages = dict.fromkeys(_message(problem["msg"]) for problem in problems if name(problem["loc"]) == place)
    expected = [message.removeprefix("expected ") for message in messages if message.startswith("expected ")]
    if not expected:
        return f"{place}: {next(iter(messages))}" if place else next(iter(messages))
    value = repr(first["input"])
    shown = value if len(value) <= _LONGEST_VALUE else value[:_LONGEST_VALUE] + "..."
    either = ", or " if any(" or " in words for words in expected) else " or "
    return f"{place} is {shown}, expected {either.join(expected)}"


def _message(text: str) -> str:
    """What was expected, without pydantic's openings, and in plain words."""
    text = re.sub(r"(greater|less) than or equal to (\S+)", lambda found: f"{found[2]} or {_BOUNDS[found[1]]}", text)
    for opening in ("Input should be a valid ", "Input should be "):
        if text.startswith(opening):
            return f"expected {text.removeprefix(opening)}"
    return text.removeprefix("Value error, ")


def near(name: str, known: Iterable[str]) -> str:
    """Which known name was perhaps meant by an unknown one, in brackets after a space.

    "" if none is near, or the unknown one has no letter: 12 is not a slip for 1.

    Example:
        >>> near("Modality", ["source", "modalities"]), near("colour", ["source", "modalities"])
        (' (did you mean modalities?)', '')
    """
    by_letters = {one.casefold(): one for one in known}
    named = any(map(str.isalpha, name))
    found = get_close_matches(name.casefold(), by_letters, n=1, cutoff=0.7) if named else []
    return f" (did you mean {by_letters[found[0]]}?)" if found else ""


def listed(names: Iterable[str]) -> str:
    """Names as a sentence lists them; of many, only the first."""
    names = [name[:60] for name in names]
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "") or "none"

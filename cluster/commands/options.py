"""Options of the command line that are more than one word or number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

Data = Annotated[str, typer.Option(help="planted, digits, or a path to data of any layout.")]
OldValidation = Annotated[str | None, typer.Option("--score", hidden=True)]
"""What `--validation` was called before."""


def objectives_of(text: str | None) -> list[str] | None:
    """The names in "mae,params"."""
    return None if text is None else [name.strip() for name in text.split(",")]


def limits_of(items: Sequence[str] | None) -> dict[str, float] | None:
    """The limits in ["params=200000", ...]. Raises ValueError for one that is not NAME=NUMBER."""
    if not items:
        return None
    limits = {}
    for item in items:
        name, _, value = item.partition("=")
        try:
            limits[name.strip()] = float(value)
        except ValueError:
            raise ValueError(f"limit is {item!r}, expected NAME=NUMBER, as params=200000") from None
    return limits


def number_of(text: str | None) -> int | str | None:
    """A number where it is one; what else there is, the configuration judges."""
    return int(text) if text is not None and text.isdigit() else text

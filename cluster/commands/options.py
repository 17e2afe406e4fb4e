"""Options that several commands share, and how options of more than one word are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

INTERRUPTED: Final = 130
"""The exit status of a command that Ctrl-C ended, as shells have it."""
DATA_HELP: Final = "planted, digits, or a path to data of any layout."
Data = Annotated[str, typer.Option(help=DATA_HELP)]
Model = Annotated[str, typer.Argument(help="A saved model, a run directory, or models:/...")]
Run = Annotated[Path, typer.Argument(help="A run directory.")]
OldValidation = Annotated[str | None, typer.Option("--score", hidden=True)]
"""`--validation` was called `--score` before."""


def objectives_of(text: str | None) -> list[str] | None:
    """The names in "mae,params"."""
    return None if text is None else [name.strip() for name in text.split(",")]


def limits_of(options: Sequence[str] | None) -> dict[str, float] | None:
    """The limits in ["params=200000", ...]. Raises ValueError for an option that is not NAME=NUMBER."""
    if not options:
        return None
    limits = {}
    for option in options:
        name, _, value = option.partition("=")
        try:
            limits[name.strip()] = float(value)
        except ValueError:
            raise ValueError(f"limit is {option!r}, expected NAME=NUMBER, for example params=200000") from None
    return limits


def number_of(text: str | None) -> int | str | None:
    """The number in the text. Any other text stays as it is, because the configuration judges it."""
    return int(text) if text is not None and text.isdigit() else text

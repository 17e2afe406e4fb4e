"""What all commands share: where they print, and `--json`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

Json = Annotated[Path | None, typer.Option("--json", help="Also write the numbers to this file, as JSON.")]


def console() -> Console:
    """Standard output. If it is no terminal, it is wide enough for tables."""
    from rich.console import Console

    output = Console()
    return output if output.is_terminal else Console(width=140)


def say(line: str) -> None:
    """Print one line as it is."""
    console().print(line, highlight=False, markup=False, soft_wrap=True)


def write_figures(path: Path | None, value: Any) -> None:
    """Write what was printed as JSON, if it was asked for."""
    if path is None:
        return
    from haemsa.cluster.shared.files import write_json

    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, value)

"""The command `haemsa report`. Everything heavy loads inside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from cluster.terminal import say

File = Optional[Path]  # noqa: UP045 - typer reads annotations at run time
Text = Optional[str]  # noqa: UP045


def report(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    data: Annotated[Text, typer.Option(help="The search's data, if it has moved.")] = None,
    ablated: Annotated[
        File, typer.Option(help="What haemsa ablate left of this search \\[default: ablated/NAME].")
    ] = None,
    out: Annotated[File, typer.Option(help="The page to write \\[default: RUN/report.html].")] = None,
) -> None:
    """Write a page on a search, with pictures: what it found, why, and what to do next; also while it runs."""
    from cluster.run_page import write_report

    page = out or run / "report.html"
    write_report(run, page, data, ablated or Path("ablated") / run.name)
    say(f"report: {page}")

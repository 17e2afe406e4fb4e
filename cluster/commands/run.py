"""The command `haemsa report`. Everything heavy loads inside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from haemsa.cluster.shared.terminal import console, say


def show(run: Annotated[Path, typer.Argument(help="A run directory.")]) -> None:
    """Show a search: its best genome, its front, its generations; also while it runs."""
    from haemsa.cluster.report.show import show as show_run

    show_run(run, console())


def sync(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    tracking: Annotated[str | None, typer.Option(help="MLflow's store \\[default: as the search had it].")] = None,
) -> None:
    """Send MLflow what it did not take while a search ran."""
    from haemsa.cluster.tracking.sync import sync as send

    count, place = send(run, tracking)
    say(f"sent {count} records to {place}" if count else f"nothing waits: {place} has all of {run}")


def ui(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 5000,
    tracking: Annotated[str | None, typer.Option(help="MLflow's store \\[default: as search has it].")] = None,
) -> None:
    """Open MLflow's page on the searches made here (on loopback; end it with Ctrl-C)."""
    from haemsa.cluster.tracking.ui import serve

    raise typer.Exit(serve(port, tracking))


def config() -> None:
    """Print the default configuration, commented."""
    from haemsa.cluster.config import commented_yaml

    print(commented_yaml(), end="")


def report(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    data: Annotated[str | None, typer.Option(help="The search's data, if it has moved.")] = None,
    ablated: Annotated[
        Path | None, typer.Option(help="What haemsa ablate left of this search \\[default: ablated/NAME].")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The page to write \\[default: RUN/report.html].")] = None,
) -> None:
    """Write a page on a search, with pictures: what it found, why, and what to do next; also while it runs."""
    from haemsa.cluster.report.page import write_report

    page = out or run / "report.html"
    write_report(run, page, data, ablated or Path("ablated") / run.name)
    say(f"report: {page}")

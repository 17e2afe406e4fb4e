"""The commands about a run directory, and `haemsa ui` and `config`. Everything heavy loads inside a command."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from haemsa.cluster.commands.options import Run
from haemsa.cluster.shared.terminal import Json, console, say, write_figures
from haemsa.cluster.shared.text import counted


def list_(
    folder: Annotated[Path, typer.Argument(help="The folder of the run directories.")] = Path("runs"),
    json_file: Json = None,
) -> None:
    """List the searches in a folder: their data, how far they are, and their best score."""
    from haemsa.cluster.api import list_runs, runs_table

    runs = list_runs(folder)
    write_figures(json_file, [asdict(found) for found in runs])
    if runs:
        console().print(runs_table(runs))
    else:
        say(f"no searches in {folder}")
    for found in runs:
        if found.problem:
            say(f"{found.run}: {found.problem}")


def show(
    run: Run,
    importance: Annotated[
        bool, typer.Option("--importance", help="Also show which genes matter for the score (this takes seconds).")
    ] = False,
    json_file: Json = None,
) -> None:
    """Show the best genome, the front and the generations of a search, also while it runs."""
    from haemsa.cluster.api import gene_importance, importance_table, show_run, show_values

    found = gene_importance(run) if importance else None
    if json_file is not None:
        write_figures(json_file, show_values(run) | ({"importance": asdict(found)} if found else {}))
    show_run(run, console())
    if found is not None:
        console().print(importance_table(found))
        say(found.words())


Moved = Annotated[str | None, typer.Option(help="The data of the search, if it has moved.")]
Ablated = Annotated[
    Path | None, typer.Option(help="The folder that haemsa ablate wrote for this search \\[default: ablated/NAME].")
]
Trained = Annotated[
    Path | None, typer.Option(help="A model that haemsa train made of this search \\[default: one in models/].")
]


def report(
    run: Run,
    data: Moved = None,
    ablated: Ablated = None,
    model: Trained = None,
    out: Annotated[Path | None, typer.Option(help="The page to write \\[default: RUN/report.html].")] = None,
) -> None:
    """Write a page with pictures: what a search found, why, and what to do next. Also while it runs."""
    from haemsa.cluster.api import write_report

    page = out or run / "report.html"
    write_report(run, page, data, ablated or Path("ablated") / run.name, model)
    say(f"report: {page}")


def watch(
    run: Run,
    port: Annotated[int, typer.Option(help="The port on this machine.")] = 8642,
    data: Moved = None,
    ablated: Ablated = None,
    model: Trained = None,
) -> None:
    """Serve the report as a page that updates itself while the search runs. Only this machine can reach it."""
    from haemsa.cluster.api import watch_run

    raise typer.Exit(watch_run(run, port, data, ablated or Path("ablated") / run.name, model))


def snapshot(
    run: Run,
    copy: Annotated[Path, typer.Argument(help="The folder for the copy, also on a network file system.")],
    every: Annotated[
        float | None, typer.Option(min=1, help="Copy again and again, with a pause of so many seconds.")
    ] = None,
) -> None:
    """Copy a run directory, also while the search runs. A search can be resumed from the copy."""
    from haemsa.cluster.api import keep_snapshot
    from haemsa.cluster.api import snapshot as copied

    if every is not None:
        keep_snapshot(run, copy, every)
    say(f"{counted(copied(run, copy), 'file')} copied to {copy}")


def sync(
    run: Run,
    tracking: Annotated[str | None, typer.Option(help="MLflow's store \\[default: as the search had it].")] = None,
) -> None:
    """Send MLflow the records that it did not take while a search ran."""
    from haemsa.cluster.api import sync_run

    count, place = sync_run(run, tracking)
    say(f"sent {count} records to {place}" if count else f"nothing waits: {place} has all of {run}")


def ui(
    port: Annotated[int, typer.Option(help="The port on this machine.")] = 5000,
    tracking: Annotated[str | None, typer.Option(help="MLflow's store \\[default: that of a search here].")] = None,
) -> None:
    """Open MLflow's page about the searches made here. Ctrl-C ends it. Only this machine can reach it."""
    from haemsa.cluster.api import serve_page

    raise typer.Exit(serve_page(port, tracking))


def config() -> None:
    """Print every setting of a search with its meaning and its default."""
    from haemsa.cluster.config import commented_yaml

    print(commented_yaml(), end="")

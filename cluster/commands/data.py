"""The commands `haemsa data ...`. Everything heavy loads inside a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from haemsa.cluster.commands.embed import embed
from haemsa.cluster.commands.options import DATA_HELP, on_workers
from haemsa.cluster.commands.shown_data import show_data
from haemsa.cluster.shared.terminal import Json, console, say, write_figures

if TYPE_CHECKING:
    from haemsa.cluster.api import Reading

data_app = typer.Typer(help="Look at data, check it, import it, and encode clips.", no_args_is_help=True)
Source = Annotated[str, typer.Argument(help=DATA_HELP)]
Align = Annotated[str | None, typer.Option(help="The .csd sequence whose intervals become time steps.")]
Collapse = Literal["mean", "last", "none"]
How = Annotated[Collapse, typer.Option(help="What the rows within one interval become.")]
Folds = Annotated[Path | None, typer.Option(help="A file with the ids of each split, in place of folds.json.")]
Grouping = Literal["dialogue", "session", "speaker"]
Grouped = Annotated[Grouping, typer.Option(help="Which utterances of dialogues belong together.")]
Classes = Annotated[int | None, typer.Option(help="4: read IEMOCAP's six classes as the usual four.")]
Steps = Annotated[int | None, typer.Option(help="Read only this many time steps of longer samples.")]
Skip = Annotated[bool, typer.Option("--skip-damaged", help="Leave out damaged samples.")]


@data_app.command()
def info(
    data: Source,
    align: Align = None,
    collapse: How = "mean",
    folds: Folds = None,
    group_by: Grouped = "dialogue",
    classes: Classes = None,
    steps: Steps = None,
    skip_damaged: Skip = False,
    json_file: Json = None,
) -> None:
    """Tell what was read: modalities, tasks and splits, and what was wrong with the data."""
    from haemsa.cluster.api import load_data

    reading = _reading(align, collapse, folds, group_by, classes, steps, skip_damaged)
    show_data(load_data(data, reading=reading), json_file)


@data_app.command(name="import")
def import_(
    data: Source,
    out: Annotated[Path, typer.Option(help="The store to write, an .h5 file.")],
    half: Annotated[bool, typer.Option("--half", help="Keep features as float16, in half the space.")] = False,
    context: Annotated[int, typer.Option(min=0, help="How many previous utterances to add as further streams.")] = 0,
    align: Align = None,
    collapse: How = "mean",
    folds: Folds = None,
    group_by: Grouped = "dialogue",
    classes: Classes = None,
    steps: Steps = None,
    skip_damaged: Skip = False,
    json_file: Json = None,
) -> None:
    """Write data of any layout to a store. A store is read faster, and it is streamed if memory is short."""
    from haemsa.cluster.api import import_data

    reading = _reading(align, collapse, folds, group_by, classes, steps, skip_damaged)
    show_data(import_data(data, out, reading, half=half, context=context, stream=True), json_file)
    say(f"written to {out}, {out.stat().st_size / 2**20:.1f} MiB")


@data_app.command()
def check(
    data: Source,
    out: Annotated[Path | None, typer.Option(help="Also write a page with plots to this HTML file.")] = None,
    align: Align = None,
    collapse: How = "mean",
    folds: Folds = None,
    group_by: Grouped = "dialogue",
    classes: Classes = None,
    steps: Steps = None,
    skip_damaged: Skip = False,
    json_file: Json = None,
) -> None:
    """Look for leaks between splits, and tell which modalities are worth it. The exit status of a leak is 1."""
    from haemsa.cluster.api import as_values, check_data, leaks, load_data, show_check, write_check

    reading = _reading(align, collapse, folds, group_by, classes, steps, skip_damaged)
    data_check = check_data(load_data(data, reading=reading))
    write_figures(json_file, as_values(data_check))
    if out is not None:
        write_check(data_check, out)
    show_check(data_check, console())
    if out is not None:
        say(f"page: {out}")
    if leaks(data_check):
        raise typer.Exit(1)


data_app.command()(on_workers(embed))


def _reading(
    align: str | None,
    collapse: Collapse,
    folds: Path | None,
    group_by: Grouping,
    classes: int | None,
    steps: int | None,
    skip_damaged: bool,
) -> Reading:
    """What the options ask of a reader."""
    from haemsa.cluster.api import Reading

    if classes is not None and classes != 4:
        raise ValueError(f"--classes is {classes}, expected 4: IEMOCAP's four classes, of its six")
    if steps is not None and steps < 1:
        raise ValueError(f"--steps is {steps}, expected 1 or more")
    return Reading(align, collapse, folds, steps, skip_damaged, group_by, classes=4 if classes else None)

"""The commands `haemsa data ...`. Everything heavy loads inside a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from haemsa.cluster.shared.terminal import Json, console, say, write_figures

if TYPE_CHECKING:
    from haemsa.model.data.dataset import Dataset
    from haemsa.model.data.readers.options import Collapse, Grouping, Reading

data_app = typer.Typer(help="Look at data, and import it.", no_args_is_help=True)
Source = Annotated[str, typer.Argument(help="planted, digits, or a path to data of any layout.")]
Align = Annotated[str | None, typer.Option(help="The .csd sequence whose intervals become time steps.")]
How = Annotated[Literal["mean", "last", "none"], typer.Option(help="What the rows in such an interval become.")]
Folds = Annotated[Path | None, typer.Option(help="The ids of each split, if not folds.json beside the data.")]
Grouped = Annotated[
    Literal["dialogue", "session", "speaker"], typer.Option(help="Which utterances of dialogues belong together.")
]
Classes = Annotated[int | None, typer.Option(help="4: IEMOCAP's four classes, of its six.")]
Steps = Annotated[int | None, typer.Option(help="Of longer samples, the first so many time steps.")]
Skip = Annotated[bool, typer.Option("--skip-damaged", help="Leave out samples that are damaged.")]


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
    """Say what was read: modalities, tasks, splits, and what was found wrong."""
    from haemsa.model.data.sources import load

    reading = _reading(align, collapse, folds, group_by, classes, steps, skip_damaged)
    _report(load(data, reading=reading), json_file)


@data_app.command(name="import")
def import_(
    data: Source,
    out: Annotated[Path, typer.Option(help="The store to write, an .h5 file.")],
    half: Annotated[bool, typer.Option("--half", help="Keep features as float16, in half the space.")] = False,
    context: Annotated[int, typer.Option(min=0, help="Previous utterances to look back on, as further streams.")] = 0,
    align: Align = None,
    collapse: How = "mean",
    folds: Folds = None,
    group_by: Grouped = "dialogue",
    classes: Classes = None,
    steps: Steps = None,
    skip_damaged: Skip = False,
    json_file: Json = None,
) -> None:
    """Write data of any layout to a store, which is read faster, and streamed where memory is short."""
    from haemsa.model.data.sources import import_data

    reading = _reading(align, collapse, folds, group_by, classes, steps, skip_damaged)
    _report(import_data(data, out, reading, half=half, context=context), json_file)
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
    """Look for leaks between splits, first of all of labels, and for odd features; exit status 1 if data leaks."""
    from haemsa.cluster.data_check.check import check as check_data
    from haemsa.cluster.data_check.page import write_page
    from haemsa.cluster.data_check.problems import leaks
    from haemsa.cluster.data_check.terminal import as_values, show_check
    from haemsa.model.data.sources import load

    reading = _reading(align, collapse, folds, group_by, classes, steps, skip_damaged)
    found = check_data(load(data, reading=reading))
    show_check(found, console())
    if out is not None:
        write_page(found, out)
    write_figures(json_file, as_values(found))
    if leaks(found):
        raise typer.Exit(1)


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
    from haemsa.model.data.readers.options import Reading

    if classes is not None and classes != 4:
        raise ValueError(f"--classes is {classes}, expected 4: IEMOCAP's four classes, of its six")
    if steps is not None and steps < 1:
        raise ValueError(f"--steps is {steps}, expected 1 or more")
    return Reading(align, collapse, folds, steps, skip_damaged, group_by, classes=4 if classes else None)


def _report(dataset: Dataset, json_file: Path | None) -> None:
    from haemsa.cluster.data_check.info import data_tables
    from haemsa.model.data.summary import describe

    found = describe(dataset)
    for table in data_tables(found):
        console().print(table)
    for note in dataset.notes:
        say(f"note: {note}")
    write_figures(json_file, found)

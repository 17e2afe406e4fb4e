"""The command `haemsa predict`. Everything heavy loads inside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from haemsa.cluster.commands.data import Align, How, Skip
from haemsa.cluster.commands.options import DATA_HELP, Model, on_workers
from haemsa.cluster.shared.terminal import say

if TYPE_CHECKING:
    from haemsa.cluster.api import Compute

_DATA_HELP: Final = f"{DATA_HELP} Labels are not needed. A table with the model's columns needs no YAML file."


@on_workers
def predict(
    model: Model,
    data: Annotated[str, typer.Option(help=_DATA_HELP)],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    split: Annotated[str | None, typer.Option(help="Only this split \\[default: all samples].")] = None,
    table_format: Annotated[
        Literal["csv", "parquet"] | None,
        typer.Option("--format", help="The format of the file \\[default: as its name ends]."),
    ] = None,
    align: Align = None,
    collapse: How = "mean",
    skip_damaged: Skip = False,
    compute: Compute | None = None,
) -> None:
    """Write the predictions of a saved model, one row for each sample.

    It runs in this process, unless options say otherwise.
    """
    from haemsa.cluster.api import Reading, load_model, load_samples, prediction_blocks, write_predictions
    from haemsa.cluster.shared.progress import progress

    predictor = load_model(model)
    samples = load_samples(predictor, data, Reading(align=align, collapse=collapse, skip_damaged=skip_damaged))
    if any(out.exists() and out.samefile(file) for file in samples.files):
        raise ValueError(f"--out is '{out}', which holds the data, expected another file")
    with progress() as shown:
        blocks = prediction_blocks(predictor, samples, split, shown, compute)
        count = write_predictions(blocks, out, table_format)
    for note in samples.notes:
        say(note)
    say(f"{count} predictions of {len(predictor.members)} networks in {out}")
    if "calibration" in predictor.info:
        say(f"90 % intervals and probabilities: {predictor.info['calibration']}")

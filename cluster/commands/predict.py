"""The command `haemsa predict`. Everything heavy loads inside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from haemsa.cluster.commands.options import Data, Model
from haemsa.cluster.shared.terminal import say


def predict(
    model: Model,
    data: Data,
    out: Annotated[Path, typer.Option(help="The CSV file to write.")],
    split: Annotated[str | None, typer.Option(help="Only this split \\[default: all samples].")] = None,
) -> None:
    """Write the predictions of a saved model, one row for each sample."""
    from haemsa.cluster.api import load_for, load_model, predictions, write_predictions

    predictor = load_model(model)
    dataset = load_for(predictor, data)
    samples = dataset.take(dataset.split(split)) if split else dataset
    write_predictions(predictions(predictor, samples), out)
    say(f"{len(samples)} predictions of {len(predictor.members)} networks in {out}")
    if "calibration" in predictor.info:
        say(f"90 % intervals and probabilities: {predictor.info['calibration']}")

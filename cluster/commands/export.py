"""The command `haemsa export`. Everything heavy loads inside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from haemsa.cluster.commands.options import Model
from haemsa.cluster.shared.terminal import say
from haemsa.cluster.shared.text import counted


def export(
    model: Model,
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    to: Annotated[str, typer.Option(help="onnx, or torch (a .pt2 file for torch.export.load).")],
) -> None:
    """Write a saved model as one file that runs without haemsa."""
    from haemsa.cluster.api import export_model, load_model

    predictor = load_model(model)
    difference = export_model(predictor, file, to)
    networks = counted(len(predictor.members), "network")
    say(f"{networks} in {file}; its answers to made samples differ by at most {difference:.0e} from the model's")

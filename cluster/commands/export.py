"""The command `haemsa export`. Everything heavy loads inside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from haemsa.cluster.shared.terminal import say
from haemsa.cluster.shared.text import counted


def export(
    source: Annotated[
        str,
        typer.Argument(help="A run directory. With --to also a saved model, or models:/..."),
    ],
    file: Annotated[Path | None, typer.Argument(help="With --to: the file to write.")] = None,
    to: Annotated[
        str | None, typer.Option(help="Write the model as onnx, or as torch (a .pt2 file for torch.export.load).")
    ] = None,
    optuna: Annotated[
        str | None, typer.Option(help="Write the search as a study into this database, such as sqlite:///study.db.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="With --optuna: replace a study of the same name.")] = False,
) -> None:
    """Write a saved model as one file that runs without haemsa, or a search as a study of Optuna."""
    if to is not None and optuna is None:
        if file is None:
            raise ValueError(f"no file is given, expected its name: haemsa export {source} FILE --to {to}")
        _export_model(source, file, to)
    elif optuna is not None and to is None:
        if file is not None:
            raise ValueError(f"file {file} is given with --optuna, expected only a run directory beside it")
        _export_search(Path(source), optuna, force)
    else:
        given = "neither --to nor --optuna is" if to is None else "--to and --optuna are both"
        raise ValueError(f"{given} given, expected FILE --to onnx, or --optuna sqlite:///study.db")


def _export_model(source: str, file: Path, to: str) -> None:
    from haemsa.cluster.api import export_model, load_model

    predictor = load_model(source)
    difference = export_model(predictor, file, to)
    networks = counted(len(predictor.members), "network")
    say(f"{networks} in {file}; its answers to made samples differ by at most {difference:.0e} from the model's")


def _export_search(run: Path, storage: str, force: bool) -> None:
    from haemsa.cluster.api import export_study

    count = export_study(run, storage, force=force)
    say(f"{counted(count, 'trial')} in the study {run.resolve().name}")

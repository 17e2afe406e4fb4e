"""The commands `haemsa compare` and `haemsa ablate`. Everything heavy loads inside a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from haemsa.cluster.commands.options import on_workers
from haemsa.cluster.shared.terminal import Json, console, say, write_figures

if TYPE_CHECKING:
    from haemsa.cluster.api import Comparison, Compute


@on_workers
def compare(
    run: Annotated[Path | None, typer.Option(help="The run directory of a search \\[default: search first].")] = None,
    data: Annotated[str | None, typer.Option(help="The data, if there is no run, or if the data has moved.")] = None,
    trials: Annotated[
        int | None, typer.Option(help="Trials for each model \\[default: as many as the search had].")
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="How often to train each tuned model, each time with another seed.")
    ] = 5,
    out: Annotated[
        Path | None, typer.Option(help="The folder for the other searches \\[default: compared/NAME].")
    ] = None,
    compute: Compute | None = None,
    json_file: Json = None,
) -> None:
    """Compare the best of a search with the usual models, tuned in the same way. Reads the test split once.

    It runs where the search ran, unless options say otherwise. If it is cut off, the same command goes on.
    """
    from haemsa.cluster.api import compare_models
    from haemsa.cluster.shared.progress import progress

    with progress() as shown:
        comparison = compare_models(
            run, data=data, trials=trials, seeds=seeds, out=out, progress=shown, compute=compute
        )
    _show_comparison(comparison, "compare", json_file)


@on_workers
def ablate(
    run: Annotated[Path, typer.Argument(help="The run directory of a search.")],
    trials: Annotated[
        int | None, typer.Option(help="How many genomes each search evaluates \\[default: as many as the search had].")
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="How often to train what each search found, each time with another seed.")
    ] = 5,
    out: Annotated[Path | None, typer.Option(help="The folder for the searches \\[default: ablated/NAME].")] = None,
    compute: Compute | None = None,
    json_file: Json = None,
) -> None:
    """Search again without hierarchy, evolution, transfer or multi-task learning. Reads the test split once.

    It runs where the search ran, unless options say otherwise. If it is cut off, the same command goes on.
    """
    from haemsa.cluster.api import ablate_search
    from haemsa.cluster.shared.progress import progress

    with progress() as shown:
        comparison = ablate_search(run, trials=trials, seeds=seeds, out=out, progress=shown, compute=compute)
    _show_comparison(comparison, "ablate", json_file)


def _show_comparison(comparison: Comparison, name: str, json_file: Path | None) -> None:
    from haemsa.cluster.api import as_values, compare_table

    write_figures(json_file, as_values(comparison))
    console().print(compare_table(comparison))
    for model, problem in comparison.failed.items():
        say(f"{model} is left out: {problem}")
    say(f"picture: {comparison.folder / f'{name}.png'}")

"""The commands `haemsa compare` and `haemsa ablate`. Everything heavy loads inside a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from haemsa.cluster.shared.terminal import Json, console, say, write_figures

if TYPE_CHECKING:
    from haemsa.cluster.comparison.compare import Comparison


def compare(
    run: Annotated[Path | None, typer.Option(help="The search whose best is compared; none: search first.")] = None,
    data: Annotated[str | None, typer.Option(help="Data, if there is no run, or where it has moved.")] = None,
    trials: Annotated[
        int | None, typer.Option(help="Trials for each model \\[default: as many as the run had].")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Times to train each tuned model.")] = 5,
    out: Annotated[Path | None, typer.Option(help="Where the searches go \\[default: compared/NAME].")] = None,
    json_file: Json = None,
) -> None:
    """Compare the best of a search with the field's usual models, tuned alike; reads the test split once."""
    from haemsa.cluster.comparison.compare import compare as compare_models
    from haemsa.cluster.comparison.contenders import begun
    from haemsa.cluster.shared.progress import progress

    with progress() as shown:
        start = begun(run, data, trials, out, shown, "compared")
        found = compare_models(start.config, start.run, start.out, start.trials, seeds, shown)
    _show_comparison(found, start.out / "compare.png", json_file)


def _show_comparison(found: Comparison, picture: Path, json_file: Path | None) -> None:
    from haemsa.cluster.comparison.figure import draw
    from haemsa.cluster.comparison.report import as_values, compare_table

    console().print(compare_table(found))
    for name, problem in found.failed.items():
        say(f"{name} is left out: {problem}")
    draw(found, picture)
    say(f"picture: {picture}")
    write_figures(picture.with_suffix(".json"), as_values(found))
    write_figures(json_file, as_values(found))


def ablate(
    run: Annotated[Path, typer.Argument(help="The run directory of a search.")],
    trials: Annotated[
        int | None, typer.Option(help="Evaluations of each search \\[default: as many as the run had].")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Times to train what each search found.")] = 5,
    out: Annotated[Path | None, typer.Option(help="Where the searches go \\[default: ablated/NAME].")] = None,
    json_file: Json = None,
) -> None:
    """Search again without hierarchy, evolution, transfer or multi-task learning; reads the test split once."""
    from haemsa.cluster.comparison.ablate import ablate as ablate_search
    from haemsa.cluster.comparison.contenders import begun
    from haemsa.cluster.shared.progress import progress

    with progress() as shown:
        start = begun(run, None, trials, out, shown, "ablated")
        found = ablate_search(start.config, start.run, start.out, start.trials, seeds, shown)
    _show_comparison(found, start.out / "ablate.png", json_file)

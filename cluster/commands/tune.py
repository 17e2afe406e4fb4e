"""The command `haemsa tune`. Everything heavy loads inside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from haemsa.cluster.commands.options import DATA_HELP, INTERRUPTED, OldValidation, on_workers
from haemsa.cluster.commands.settings import Set, given
from haemsa.cluster.shared.terminal import Json, console, say, write_figures

if TYPE_CHECKING:
    from haemsa.cluster.api import Compute


@on_workers
def tune(
    source: Annotated[str, typer.Argument(help="A run directory, a genome.json, runs:/... or models:/...")],
    data: Annotated[str | None, typer.Option(help=f"{DATA_HELP} \\[default: the data of the search]")] = None,
    trials: Annotated[int | None, typer.Option(help="How many genomes to try \\[default: 32, or 8 with pbt].")] = None,
    time: Annotated[str | None, typer.Option(help="Stop after this time: 90s, 30m, 2h \\[default: no limit].")] = None,
    scheduler: Annotated[str, typer.Option(help="asha or pbt (population-based training).")] = "asha",
    validation: Annotated[
        str | None,
        typer.Option(help="How a genome is scored: holdout[:SEEDS], folds:K or groups \\[default: as in the search]."),
    ] = None,
    compute: Compute | None = None,
    seed: Annotated[
        int | None, typer.Option(help="The seed of everything random \\[default: as in the search].")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder for genome.json and the trials \\[default: tuned/NAME].")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace another tuning in that folder.")] = False,
    tracking: Annotated[
        str | None, typer.Option(help="MLflow's store, or off \\[default: as the search had it].")
    ] = None,
    json_file: Json = None,
    settings: Set = None,
    score: OldValidation = None,
) -> None:
    """Tune how a genome is trained, with Ray Tune. Keep the tuned genome if it is better on fresh seeds.

    It runs where the search ran, unless options say otherwise. If it is cut off, the same command goes on.
    """
    from haemsa.cluster.api import as_values, train_command, tune_genome, tuning_lines, tuning_table
    from haemsa.cluster.shared.progress import progress

    options: dict[str, Any] = {
        "evaluations": trials, "time": time, "validation": validation or score, "seed": seed, "tracking": tracking,
        **(compute.model_dump(exclude_unset=True) if compute else {}),
    }  # fmt: skip
    chosen = given(options, settings)
    with progress() as shown:
        tuning = tune_genome(source, data, scheduler=scheduler, out=out, progress=shown, force=force, **chosen)
    write_figures(json_file, as_values(tuning))
    if tuning.genome is not None:
        console().print(tuning_table(tuning))
    for line in tuning_lines(tuning):
        say(line)
    if tuning.genome is None:
        raise typer.Exit(INTERRUPTED)
    say(f"kept in {tuning.folder}")
    if tuning.genome != tuning.original:
        model = f"models/{tuning.folder.name}-tuned"
        command = train_command(tuning.folder / "genome.json", tuning.source or "FILE", model)
        say(f"Next:\n  {command}")

"""The command `haemsa tune`. Everything heavy loads inside it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from haemsa.cluster.commands.options import OldValidation
from haemsa.cluster.shared.terminal import Json, console, say, write_figures


def tune(
    source: Annotated[str, typer.Argument(help="A run directory, a genome.json, runs:/... or models:/...")],
    data: Annotated[str, typer.Option(help="planted, digits, or a path to data of any layout.")],
    trials: Annotated[int | None, typer.Option(help="Genomes to try \\[default: 32; of pbt, 8].")] = None,
    time: Annotated[str | None, typer.Option(help="Stop after this long: 90s, 30m, 2h.")] = None,
    scheduler: Annotated[str, typer.Option(help="asha or pbt (population based training).")] = "asha",
    validation: Annotated[
        str | None, typer.Option(help="holdout[:SEEDS], folds:K or groups \\[default: as the search].")
    ] = None,
    workers: Annotated[str | None, typer.Option(help="How many train at a time: a number, or auto.")] = None,
    address: Annotated[str | None, typer.Option(help="A running Ray cluster; none: start one here.")] = None,
    gpus_per_worker: Annotated[float | None, typer.Option(help="GPUs per worker; fractions too.")] = None,
    seed: Annotated[int | None, typer.Option(help="The seed of everything random \\[default: as the search].")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where genome.json and the trials go \\[default: tuned/NAME].")
    ] = None,
    tracking: Annotated[str | None, typer.Option(help="MLflow's store, or off.")] = None,
    json_file: Json = None,
    score: OldValidation = None,
) -> None:
    """Tune how a genome is trained, with Ray Tune; keep what is better on fresh seeds."""
    from haemsa.cluster.commands.options import number_of
    from haemsa.cluster.shared.progress import progress
    from haemsa.cluster.tuning.tune import run_tuning

    options = {
        "data": data, "evaluations": trials, "time": time, "workers": number_of(workers),
        "validation": validation or score, "address": address,
        "gpus_per_worker": gpus_per_worker, "seed": seed, "tracking": tracking,
    }  # fmt: skip
    with progress() as shown:
        found, folder = run_tuning(source, scheduler, options, out, shown)

    from haemsa.cluster.shared.text import counted
    from haemsa.cluster.tuning.report import as_values, counts, tuning_table, verdict

    if found.genome is not None:
        console().print(tuning_table(found))
    states = ", ".join(f"{count} {state}" for state, count in counts(found).items() if count)
    say(f"{counted(len(found.trials), 'trial')}: {states or 'none began'}")
    say(verdict(found))
    write_figures(json_file, as_values(found))
    if found.genome is None:
        raise typer.Exit(1)
    command = ["haemsa", "train", str(folder / "genome.json"), "--data", data, "--seeds", "5"]
    say(f"Next:\n  {shlex.join(command)}")

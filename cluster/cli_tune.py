"""The command `haemsa tune`. Everything heavy loads inside it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Optional

import typer

from cluster.terminal import Json, console, say, write_figures

Text = Optional[str]  # noqa: UP045 - typer reads annotations at run time
Count = Optional[int]  # noqa: UP045
Share = Optional[float]  # noqa: UP045
Folder = Optional[Path]  # noqa: UP045


def tune(
    source: Annotated[str, typer.Argument(help="A run directory, a genome.json, runs:/... or models:/...")],
    data: Annotated[str, typer.Option(help="planted, digits, or a path to data of any layout.")],
    trials: Annotated[Count, typer.Option(help="Genomes to try \\[default: 32; of pbt, 8].")] = None,
    time: Annotated[Text, typer.Option(help="Stop after this long: 90s, 30m, 2h.")] = None,
    scheduler: Annotated[str, typer.Option(help="asha or pbt (population based training).")] = "asha",
    score: Annotated[Text, typer.Option(help="holdout[:SEEDS], folds:K or groups \\[default: as the search].")] = None,
    workers: Annotated[Text, typer.Option(help="How many train at a time: a number, or auto.")] = None,
    address: Annotated[Text, typer.Option(help="A running Ray cluster; none: start one here.")] = None,
    gpus_per_worker: Annotated[Share, typer.Option(help="GPUs per worker; fractions too.")] = None,
    seed: Annotated[Count, typer.Option(help="The seed of everything random \\[default: as the search].")] = None,
    out: Annotated[Folder, typer.Option(help="Where genome.json and the trials go \\[default: tuned/NAME].")] = None,
    tracking: Annotated[Text, typer.Option(help="MLflow's store, or off.")] = None,
    json_file: Json = None,
) -> None:
    """Tune how a genome is trained, with Ray Tune; keep what is better on fresh seeds."""
    from cluster.options import number_of
    from cluster.progress import progress
    from cluster.tune_run import run_tuning

    options = {
        "data": data, "evaluations": trials, "time": time, "score": score, "workers": number_of(workers),
        "address": address, "gpus_per_worker": gpus_per_worker, "seed": seed, "tracking": tracking,
    }  # fmt: skip
    with progress() as shown:
        found, folder = run_tuning(source, scheduler, options, out, shown)

    from cluster.tune_report import as_values, counts, tuning_table, verdict
    from cluster.wording import counted

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

"""The command `haemsa search`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from haemsa.cluster.commands.options import OldValidation
from haemsa.cluster.shared.terminal import Json, console, say, write_figures


def search(
    data: Annotated[str | None, typer.Option(help="planted, digits, or a path to data of any layout.")] = None,
    config: Annotated[Path | None, typer.Option(help="A YAML file of settings; options go before it.")] = None,
    evaluations: Annotated[int | None, typer.Option(help="Stop after so many genomes \\[default: 200].")] = None,
    time: Annotated[str | None, typer.Option(help="Stop after this long: 90s, 30m, 2h.")] = None,
    patience: Annotated[int | None, typer.Option(help="Stop after so many generations without progress.")] = None,
    objectives: Annotated[str | None, typer.Option(help="What to optimise, as mae,params.")] = None,
    limit: Annotated[list[str] | None, typer.Option(help="A hard limit, as params=200000.")] = None,
    validation: Annotated[
        str | None, typer.Option(help="auto, holdout[:SEEDS], folds:K, or groups (leave one out).")
    ] = None,
    rungs: Annotated[bool | None, typer.Option("--rungs/--no-rungs", help="Train long only what is promising.")] = None,
    inherit: Annotated[
        bool | None, typer.Option("--inherit/--no-inherit", help="Start from a parent's weights.")
    ] = None,
    confirm: Annotated[
        int | None, typer.Option(help="Genomes to train again from scratch at the end; 0: none.")
    ] = None,
    population: Annotated[str | None, typer.Option(help="Genomes that survive: a number, or auto.")] = None,
    mode: Annotated[str | None, typer.Option(help="steady or generational.")] = None,
    workers: Annotated[str | None, typer.Option(help="How many train at a time: a number, or auto.")] = None,
    backend: Annotated[str | None, typer.Option(help="ray or inline.")] = None,
    address: Annotated[
        str | None, typer.Option(help="A Ray cluster, HOST:PORT or auto; none: RAY_ADDRESS or here.")
    ] = None,
    gpus_per_worker: Annotated[float | None, typer.Option(help="GPUs per worker; fractions too.")] = None,
    cohort: Annotated[
        str | None, typer.Option(help="Networks trained together as one tensor: a number, or auto.")
    ] = None,
    batch_size: Annotated[str | None, typer.Option(help="Samples per training step: a number, or auto.")] = None,
    seed: Annotated[int | None, typer.Option(help="The seed of everything random.")] = None,
    name: Annotated[str | None, typer.Option(help="The search's name \\[default: the data's].")] = None,
    run: Annotated[str | None, typer.Option(help="The run directory \\[default: a new one under runs/].")] = None,
    tracking: Annotated[str | None, typer.Option(help="MLflow's store, or off.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the search in this run directory.")] = None,
    json_file: Json = None,
    score: OldValidation = None,
) -> None:
    """Search for the best networks for some data."""
    from haemsa.cluster.commands.options import limits_of, number_of, objectives_of
    from haemsa.cluster.config import SearchConfig
    from haemsa.cluster.search.launch import resume_search, run_search
    from haemsa.cluster.shared.progress import progress

    options: dict[str, Any] = {
        "data": data, "evaluations": evaluations, "time": time, "patience": patience, "rungs": rungs,
        "validation": validation or score, "inherit": inherit, "confirm": confirm, "mode": mode,
        "backend": backend, "address": address, "gpus_per_worker": gpus_per_worker, "batch_size": number_of(batch_size),
        "seed": seed, "name": name, "run": run, "tracking": tracking,
        "objectives": objectives_of(objectives), "limits": limits_of(limit),
        "population": number_of(population), "workers": number_of(workers), "cohort": number_of(cohort),
    }  # fmt: skip
    if resume is not None and config is not None:
        raise ValueError(f"--resume {resume} has settings of its own, expected no --config beside it")
    with progress() as shown:
        if resume is not None:
            found = resume_search(resume, shown, options)
        else:
            found = run_search(SearchConfig.load(config, options), shown)
    _report_search(found.run, found.summary, found.model)
    write_figures(json_file, found.summary)
    if found.summary["best"] is None:
        raise typer.Exit(1)


def _report_search(run: Path, summary: Any, model: str | None) -> None:
    from haemsa.cluster.report.show import show

    out = console()
    show(run, out)
    again = shlex.join(["haemsa", "search", "--resume", str(run)])
    if summary["best"] is None:
        failed = summary["ended_by"] != "interrupted"
        out.print("Every candidate failed: see search.log." if failed else f"Next:\n  {again}", highlight=False)
        return
    train = ["train", str(run), "--data", summary["data"], "--seeds", "5", "--out", f"models/{summary['name']}"]
    lines = [shlex.join(["haemsa", *train]), "haemsa ui"]
    if summary["ended_by"] == "interrupted":
        lines.insert(0, again)
    out.print("Next:", *(f"  {line}" for line in lines), sep="\n", highlight=False, markup=False, soft_wrap=True)
    told = f"Registered: {model}" if model else "Not registered in MLflow: tracking is off, or see search.log."
    say(told)

"""The command `haemsa search`. Everything heavy loads inside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from haemsa.cluster.commands.options import (
    DATA_HELP,
    INTERRUPTED,
    Address,
    Backend,
    GpusPerWorker,
    NodeLabels,
    OldValidation,
    Resources,
    Workers,
    labels_of,
    limits_of,
    number_of,
    objectives_of,
    resources_of,
)
from haemsa.cluster.commands.settings import Set, given
from haemsa.cluster.shared.terminal import Json, console, say, write_figures

if TYPE_CHECKING:
    from haemsa.cluster.api import SearchResult


def search(
    data: Annotated[str | None, typer.Option(help=DATA_HELP)] = None,
    config: Annotated[Path | None, typer.Option(help="A YAML file of settings. Options replace its settings.")] = None,
    evaluations: Annotated[int | None, typer.Option(help="Stop after this many genomes.")] = None,
    time: Annotated[str | None, typer.Option(help="Stop after this time: 90s, 30m, 2h.")] = None,
    patience: Annotated[int | None, typer.Option(help="Stop after this many generations without progress.")] = None,
    objectives: Annotated[
        str | None, typer.Option(help="What to optimise, for example mae,params,latency_ms or mae,max:mymodule:gain.")
    ] = None,
    limit: Annotated[
        list[str] | None, typer.Option(help="A hard limit, for example params=200000. Several are allowed.")
    ] = None,
    validation: Annotated[
        str | None, typer.Option(help="How a genome is scored: auto, holdout[:SEEDS], folds:K or groups.")
    ] = None,
    rungs: Annotated[
        bool | None, typer.Option("--rungs/--no-rungs", help="Train only promising candidates for long.")
    ] = None,
    confirm: Annotated[
        int | None, typer.Option(help="How many genomes to train again from scratch at the end; 0: none.")
    ] = None,
    start: Annotated[
        list[str] | None,
        typer.Option(
            help="Try first what was found before: a run directory, a genome.json, a saved model, models:/... or "
            "runs:/... Several are allowed."
        ),
    ] = None,
    population: Annotated[str | None, typer.Option(help="How many genomes survive: a number, or auto.")] = None,
    mode: Annotated[str | None, typer.Option(help="steady (no worker waits) or generational.")] = None,
    workers: Workers = None,
    backend: Backend = None,
    address: Address = None,
    gpus_per_worker: GpusPerWorker = None,
    resources: Resources = None,
    node_labels: NodeLabels = None,
    cohort: Annotated[
        str | None, typer.Option(help="How many networks are trained together: a number, or auto.")
    ] = None,
    batch_size: Annotated[str | None, typer.Option(help="Samples in a training step: a number, or auto.")] = None,
    seed: Annotated[int | None, typer.Option(help="The seed of everything random.")] = None,
    name: Annotated[str | None, typer.Option(help="The name of the search.")] = None,
    run: Annotated[str | None, typer.Option(help="The run directory.")] = None,
    tracking: Annotated[
        str | None,
        typer.Option(help="MLflow's store, or off."),
    ] = None,
    experiment: Annotated[str | None, typer.Option(help="The experiment in MLflow.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Continue the search in this run directory.")] = None,
    json_file: Json = None,
    settings: Set = None,
    score: OldValidation = None,
) -> None:
    """Search for the best networks for your data.

    haemsa config explains every setting. Those without an option are given by --set.
    """
    from haemsa.cluster.api import SearchConfig, resume_search, run_search
    from haemsa.cluster.shared.progress import progress

    options: dict[str, Any] = {
        "data": data, "evaluations": evaluations, "time": time, "patience": patience, "rungs": rungs,
        "validation": validation or score, "confirm": confirm, "mode": mode,
        "backend": backend, "address": address, "gpus_per_worker": gpus_per_worker, "batch_size": number_of(batch_size),
        "start": start or None, "seed": seed, "name": name, "run": run, "tracking": tracking,
        "experiment": experiment,
        "objectives": objectives_of(objectives), "limits": limits_of(limit),
        "population": number_of(population), "workers": number_of(workers), "cohort": number_of(cohort),
        "resources": resources_of(resources), "node_labels": labels_of(node_labels),
    }  # fmt: skip
    if resume is not None and config is not None:
        raise ValueError(f"--resume {resume} has settings of its own, expected no --config beside it")
    chosen = given(options, settings)
    with progress() as shown:
        if resume is not None:
            result = resume_search(resume, shown, chosen)
        else:
            result = run_search(SearchConfig.load(config, chosen), shown)
    write_figures(json_file, result.summary)
    _show_result(result)
    if result.summary["ended_by"] == "interrupted":
        raise typer.Exit(INTERRUPTED)
    if result.summary["best"] is None:
        raise typer.Exit(1)


def _show_result(result: SearchResult) -> None:
    from haemsa.cluster.api import next_steps, show_run

    show_run(result.run, console())
    commands = next_steps(result.run)
    if not commands:
        say("Every candidate failed: see search.log.")
        return
    say("\n".join(["Next:", *(f"  {command}" for command in commands)]))
    if result.model is None:
        say("Not registered in MLflow: tracking is off, or see search.log.")
        return
    say(f"Registered: {result.model}")
    if not result.summary["confirmed"] and not result.model.endswith("@champion"):
        say("The alias champion does not move to it: its score is not confirmed.")

"""The command `haemsa`. Everything heavy loads inside a command, so that help answers at once."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from cluster.cli_compare import ablate, compare
from cluster.cli_data import data_app
from cluster.cli_report import report
from cluster.cli_tune import tune
from cluster.terminal import Json, console, say, write_figures

app = typer.Typer(
    name="haemsa",
    help="Find the best multimodal mixture-of-experts network for your features, by evolution.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data_app, name="data")
app.command()(compare)
app.command()(ablate)
app.command()(report)
app.command()(tune)

Data = Annotated[str, typer.Option(help="planted, digits, or a path to data of any layout.")]
Text = Optional[str]  # noqa: UP045 - typer reads annotations at run time
Number = Optional[int]  # noqa: UP045
Flag = Optional[bool]  # noqa: UP045


def main() -> None:
    """Run the command; what is wrong with the input is one sentence on standard error and exit status 2."""
    try:
        app()
    except (ValueError, OSError) as error:
        print(f"haemsa: {error}", file=sys.stderr)
        raise SystemExit(2) from None


@app.command()
def search(
    data: Annotated[Text, typer.Option(help="planted, digits, or a path to data of any layout.")] = None,
    config: Annotated[Optional[Path], typer.Option(help="A YAML file of settings; options go before it.")] = None,  # noqa: UP045
    evaluations: Annotated[Number, typer.Option(help="Stop after so many genomes \\[default: 200].")] = None,
    time: Annotated[Text, typer.Option(help="Stop after this long: 90s, 30m, 2h.")] = None,
    patience: Annotated[Number, typer.Option(help="Stop after so many generations without progress.")] = None,
    objectives: Annotated[Text, typer.Option(help="What to optimise, as mae,params.")] = None,
    limit: Annotated[Optional[list[str]], typer.Option(help="A hard limit, as params=200000.")] = None,  # noqa: UP045
    score: Annotated[Text, typer.Option(help="auto, holdout[:SEEDS], folds:K, or groups (leave one out).")] = None,
    rungs: Annotated[Flag, typer.Option("--rungs/--no-rungs", help="Train long only what is promising.")] = None,
    inherit: Annotated[Flag, typer.Option("--inherit/--no-inherit", help="Start from a parent's weights.")] = None,
    confirm: Annotated[Number, typer.Option(help="Genomes to train again from scratch at the end; 0: none.")] = None,
    population: Annotated[Text, typer.Option(help="Genomes that survive: a number, or auto.")] = None,
    mode: Annotated[Text, typer.Option(help="steady or generational.")] = None,
    workers: Annotated[Text, typer.Option(help="How many train at a time: a number, or auto.")] = None,
    backend: Annotated[Text, typer.Option(help="ray or inline.")] = None,
    address: Annotated[Text, typer.Option(help="A Ray cluster, HOST:PORT or auto; none: RAY_ADDRESS or here.")] = None,
    gpus_per_worker: Annotated[Optional[float], typer.Option(help="GPUs per worker; fractions too.")] = None,  # noqa: UP045
    cohort: Annotated[Text, typer.Option(help="Networks trained together as one tensor: a number, or auto.")] = None,
    batch_size: Annotated[Text, typer.Option(help="Samples per training step: a number, or auto.")] = None,
    seed: Annotated[Number, typer.Option(help="The seed of everything random.")] = None,
    name: Annotated[Text, typer.Option(help="The search's name \\[default: the data's].")] = None,
    run: Annotated[Text, typer.Option(help="The run directory \\[default: a new one under runs/].")] = None,
    tracking: Annotated[Text, typer.Option(help="MLflow's store, or off.")] = None,
    resume: Annotated[Optional[Path], typer.Option(help="Go on with the search in this run directory.")] = None,  # noqa: UP045
    json_file: Json = None,
) -> None:
    """Search for the best networks for some data."""
    from cluster.config import SearchConfig
    from cluster.launch import resume_search, run_search
    from cluster.options import limits_of, number_of, objectives_of
    from cluster.progress import progress

    options: dict[str, Any] = {
        "data": data, "evaluations": evaluations, "time": time, "patience": patience, "score": score, "rungs": rungs,
        "inherit": inherit, "confirm": confirm, "mode": mode, "backend": backend, "address": address,
        "gpus_per_worker": gpus_per_worker, "batch_size": number_of(batch_size), "seed": seed, "name": name, "run": run,
        "tracking": tracking, "objectives": objectives_of(objectives), "limits": limits_of(limit),
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
    from cluster.show import show

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


@app.command()
def train(
    source: Annotated[str, typer.Argument(help="A run directory, a genome.json, runs:/... or models:/...")],
    data: Data,
    seeds: Annotated[int, typer.Option(help="Times to train each network, each with its own seed.")] = 5,
    ensemble: Annotated[bool, typer.Option("--ensemble", help="The run's best ensemble, not its best genome.")] = False,
    whole: Annotated[bool, typer.Option("--all", help="Train on the validation split too, in any case.")] = False,
    out: Annotated[Optional[Path], typer.Option(help="Where to save the model \\[default: models/NAME].")] = None,  # noqa: UP045
    tracking: Annotated[Text, typer.Option(help="MLflow's store, or off \\[default: as the search had it].")] = None,
    json_file: Json = None,
) -> None:
    """Train the best genome, or the best ensemble, for good, save it, and score it on the test split, once."""
    from cluster.drawing import genome_tree
    from cluster.recipe import read_recipe
    from cluster.report import metric_table, reference_table
    from cluster.train import train_for_good
    from cluster.training_record import record_training

    recipe = replace(read_recipe(source, ensemble=ensemble, tracking=tracking), whole=whole)
    folder = out or Path("models") / Path(data).stem
    table, line = train_for_good(recipe, data, seeds, folder)
    shown = console()
    for number, (genome, count) in enumerate(recipe.members, start=1):
        shown.print(genome_tree(genome, f"genome {number}, chosen {count} times" if ensemble else "genome"))
    shown.print(f"{seeds} seeds, {line}; test split:", highlight=False)
    shown.print(metric_table(table))
    references = reference_table(data, table)
    if references is not None:
        shown.print(references)
    address = record_training(recipe, folder, tracking)
    say(f"saved in {folder}" + (f", registered as {address}" if address else ""))
    write_figures(json_file, {"models": table, "split": "test", "protocol": line})


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="A saved model, a run directory, or models:/...")],
    data: Data,
    split: Annotated[str, typer.Option(help="train, valid or test.")] = "test",
    missing: Annotated[bool, typer.Option("--missing", help="A row for every subset of modalities.")] = False,
    json_file: Json = None,
) -> None:
    """Score a saved model, also with modalities missing."""
    from cluster.evaluate import assess, load_for, load_model
    from cluster.report import subset_table

    predictor = load_model(model)
    found = assess(predictor, load_for(predictor, data), split, missing=missing)
    tables = {name: item.table for name, item in found.items()}
    reliability = {name: item.reliability for name, item in found.items()}
    console().print(subset_table(tables, split))
    for key, value in next(iter(reliability.values())).items():  # all modalities shown
        task, name = key.rpartition("/")[::2]
        told = "share of labels in their 90 % intervals" if name == "coverage" else "expected calibration error"
        say(f"{f'{task}: ' if task else ''}{told} {value:.3f}")
    write_figures(json_file, {"split": split, "subsets": tables, "reliability": reliability})


@app.command()
def predict(
    model: Annotated[str, typer.Argument(help="A saved model, a run directory, or models:/...")],
    data: Data,
    out: Annotated[Path, typer.Option(help="The CSV file to write.")],
    split: Annotated[Text, typer.Option(help="Only this split \\[default: all samples].")] = None,
) -> None:
    """Write a saved model's predictions, one row per sample."""
    from cluster.evaluate import load_for, load_model, predictions, write_predictions

    predictor = load_model(model)
    dataset = load_for(predictor, data)
    chosen = dataset.take(dataset.split(split)) if split else dataset
    write_predictions(predictions(predictor, chosen), out)
    say(f"{len(chosen)} predictions of {len(predictor.members)} networks in {out}")
    if "calibration" in predictor.info:
        say(f"90 % intervals and probabilities: {predictor.info['calibration']}")


@app.command()
def show(run: Annotated[Path, typer.Argument(help="A run directory.")]) -> None:
    """Show a search: its best genome, its front, its generations; also while it runs."""
    from cluster.show import show as show_run

    show_run(run, console())


@app.command()
def sync(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    tracking: Annotated[Text, typer.Option(help="MLflow's store \\[default: as the search had it].")] = None,
) -> None:
    """Send MLflow what it did not take while a search ran."""
    from cluster.sync import sync as send

    count, place = send(run, tracking)
    say(f"sent {count} records to {place}" if count else f"nothing waits: {place} has all of {run}")


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 5000,
    tracking: Annotated[Text, typer.Option(help="MLflow's store \\[default: as search has it].")] = None,
) -> None:
    """Open MLflow's page on the searches made here (on loopback; end it with Ctrl-C)."""
    from cluster.ui import serve

    raise typer.Exit(serve(port, tracking))


@app.command()
def config() -> None:
    """Print the default configuration, commented."""
    from cluster.config import commented_yaml

    print(commented_yaml(), end="")

"""The commands about a final model: `haemsa train`, `evaluate` and `predict`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from haemsa.cluster.commands.options import Data
from haemsa.cluster.shared.terminal import Json, console, say, write_figures


def train(
    source: Annotated[str, typer.Argument(help="A run directory, a genome.json, runs:/... or models:/...")],
    data: Data,
    seeds: Annotated[int, typer.Option(help="Times to train each network, each with its own seed.")] = 5,
    ensemble: Annotated[bool, typer.Option("--ensemble", help="The run's best ensemble, not its best genome.")] = False,
    whole: Annotated[bool, typer.Option("--all", help="Train on the validation split too, in any case.")] = False,
    out: Annotated[Path | None, typer.Option(help="Where to save the model \\[default: models/NAME].")] = None,
    tracking: Annotated[
        str | None, typer.Option(help="MLflow's store, or off \\[default: as the search had it].")
    ] = None,
    json_file: Json = None,
) -> None:
    """Train the best genome, or the best ensemble, for good, save it, and score it on the test split, once."""
    from haemsa.cluster.final_model.recipe import read_recipe
    from haemsa.cluster.final_model.record import record_training
    from haemsa.cluster.final_model.train import train_for_good
    from haemsa.cluster.report.tables import metric_table, reference_table
    from haemsa.cluster.shared.genome_tree import genome_tree

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


def evaluate(
    model: Annotated[str, typer.Argument(help="A saved model, a run directory, or models:/...")],
    data: Data,
    split: Annotated[str, typer.Option(help="train, valid or test.")] = "test",
    missing: Annotated[bool, typer.Option("--missing", help="A row for every subset of modalities.")] = False,
    json_file: Json = None,
) -> None:
    """Score a saved model, also with modalities missing."""
    from haemsa.cluster.final_model.evaluate import assess, load_for, load_model
    from haemsa.cluster.report.tables import subset_table

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


def predict(
    model: Annotated[str, typer.Argument(help="A saved model, a run directory, or models:/...")],
    data: Data,
    out: Annotated[Path, typer.Option(help="The CSV file to write.")],
    split: Annotated[str | None, typer.Option(help="Only this split \\[default: all samples].")] = None,
) -> None:
    """Write a saved model's predictions, one row per sample."""
    from haemsa.cluster.final_model.evaluate import load_for, load_model
    from haemsa.cluster.final_model.predictions import predictions, write_predictions

    predictor = load_model(model)
    dataset = load_for(predictor, data)
    chosen = dataset.take(dataset.split(split)) if split else dataset
    write_predictions(predictions(predictor, chosen), out)
    say(f"{len(chosen)} predictions of {len(predictor.members)} networks in {out}")
    if "calibration" in predictor.info:
        say(f"90 % intervals and probabilities: {predictor.info['calibration']}")

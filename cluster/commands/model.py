"""The commands about final models: `haemsa train`, `evaluate`. Everything heavy loads inside a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from haemsa.cluster.commands.options import DATA_HELP, Model, on_workers
from haemsa.cluster.shared.terminal import Json, console, say, write_figures
from haemsa.cluster.shared.text import counted

if TYPE_CHECKING:
    from haemsa.cluster.api import Compute


@on_workers
def train(
    source: Annotated[str, typer.Argument(help="A run directory, a genome.json, runs:/... or models:/...")],
    data: Annotated[str | None, typer.Option(help=f"{DATA_HELP} \\[default: the data of the search]")] = None,
    seeds: Annotated[int, typer.Option(help="How often to train each network, each time with another seed.")] = 5,
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="Train the best ensemble of the run, not its best genome.")
    ] = False,
    whole: Annotated[
        bool, typer.Option("--all", help="Train on the validation split too, also after a search by holdout.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="The folder for the model \\[default: models/NAME].")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace another model in that folder.")] = False,
    with_encoders: Annotated[
        bool, typer.Option("--with-encoders", help="Keep the encoders of haemsa data embed with the model.")
    ] = False,
    finetune: Annotated[
        str | None,
        typer.Option(help="Also train the text encoder of this stream, such as text_mpnet, if that is better."),
    ] = None,
    tracking: Annotated[
        str | None, typer.Option(help="MLflow's store, or off \\[default: as the search had it].")
    ] = None,
    compute: Compute | None = None,
    json_file: Json = None,
) -> None:
    """Train the final model from the best genome or ensemble. Save it, and score it once on the test split.

    It is trained where the search trained, unless options say otherwise. If it is cut off, the same command goes on.
    """
    from haemsa.cluster.api import (
        better_plain_model,
        fine_tuning_note,
        genome_tree,
        keep_encoders,
        metric_table,
        model_folder,
        read_recipe,
        record_training,
        reference_table,
        train_for_good,
    )
    from haemsa.cluster.shared.progress import progress

    recipe = read_recipe(source, ensemble=ensemble, whole=whole, finetune=finetune or "", tracking=tracking)
    read = data or recipe.data or ""
    folder = model_folder(recipe, read or None, out, force=force)
    with progress() as shown:
        table, protocol = train_for_good(recipe, data, seeds, folder, force=force, compute=compute, progress=shown)
    if with_encoders:
        keep_encoders(folder)
    notes = [*fine_tuning_note(folder), *better_plain_model(folder)]
    address = record_training(recipe, folder, tracking, notes.append)
    write_figures(json_file, {"models": table, "split": "test", "protocol": protocol})
    terminal = console()
    for number, (genome, count) in enumerate(recipe.members, start=1):
        terminal.print(genome_tree(genome, f"genome {number}, weight {count}" if ensemble else "genome"))
    if data is None:
        say(f"data: {read}, as in the search")
    scored = "test split:" if table else "the data has no test split, so the model has no score"
    terminal.print(f"{counted(seeds, 'seed')}, {protocol}; {scored}", highlight=False)
    if table:
        terminal.print(metric_table(table))
    references = reference_table(read, table) if table else None
    if references is not None:
        terminal.print(references)
    say("\n".join([f"saved in {folder}" + (f", registered as {address}" if address else ""), *notes]))


@on_workers
def evaluate(
    model: Model,
    data: Annotated[str | None, typer.Option(help=f"{DATA_HELP} \\[default: the data of the model]")] = None,
    split: Annotated[str, typer.Option(help="train, valid or test.")] = "test",
    missing: Annotated[
        bool, typer.Option("--missing", help="Also score every subset of the modalities, and random subsets.")
    ] = False,
    compute: Compute | None = None,
    json_file: Json = None,
) -> None:
    """Score a saved model, also with modalities missing. It runs in this process, unless options say otherwise."""
    from haemsa.cluster.api import data_of, evaluate_model, load_for, load_model, metric_table, misfits, subset_table
    from haemsa.cluster.shared.progress import progress

    predictor = load_model(model)
    read = data or data_of(model, predictor)
    dataset = load_for(predictor, read)
    with progress() as shown:
        evaluations = evaluate_model(predictor, dataset, split, missing=missing, compute=compute, progress=shown)
    tables = {name: evaluation.table for name, evaluation in evaluations.items()}
    reliability = {name: evaluation.reliability for name, evaluation in evaluations.items()}
    whole, *_ = evaluations.values()
    figures = {"split": split, "subsets": tables, "reliability": reliability, "unread": whole.unread}
    write_figures(json_file, figures)
    terminal = console()
    for note in misfits(predictor, dataset):
        say(note)
    say(f"data: {read}; {split} split:")
    terminal.print(metric_table(whole.table))
    if missing:
        terminal.print(subset_table(tables, split, whole.unread))
    elif whole.unread:
        say(f"No network reads {', '.join(whole.unread)}.")
    for key, value in next(iter(reliability.values())).items():  # all modalities are shown
        task, name = key.rpartition("/")[::2]
        words = "share of labels in their 90 % intervals" if name == "coverage" else "expected calibration error"
        say(f"{f'{task}: ' if task else ''}{words} {value:.3f}")

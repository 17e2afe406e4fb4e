"""Training genomes for good: several seeds as one cohort, a saved model, and one reading of the test split."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from haemsa.cluster.final_model.folder import model_folder, recipe_key
from haemsa.cluster.final_model.recipe import Recipe, final_seed, protocol
from haemsa.cluster.final_model.references import score_beside
from haemsa.cluster.final_model.trainer import Trainer
from haemsa.cluster.run_directory.manifest import manifest
from haemsa.cluster.shared.files import write_json
from haemsa.cluster.shared.given_data import FROM_PYTHON, check_one, data_again
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.summary import provenance
from haemsa.model.metrics import primary
from haemsa.model.predictor.scores import ScoreTable

if TYPE_CHECKING:
    from haemsa.model.predictor.predictor import Predictor


def train_for_good(
    recipe: Recipe,
    data: str | None = None,
    seeds: int = 5,
    out: Path | None = None,
    *,
    dataset: Dataset | None = None,
    force: bool = False,
) -> tuple[ScoreTable, str]:
    """Train the recipe's genomes on all but the test split, calibrate the model, save it, and score it once.

    Args:
        recipe: what is trained, as `read_recipe` gives it.
        data: planted, digits, or a path to data of any layout (None: the data of the search).
        seeds: how often each genome is trained, each time with another seed. All networks are one cohort.
        out: the folder for the model (None: models/NAME, with a number if another model is there). It also gets
            metrics.json.
        dataset: the data, in place of `data`.
        force: replace another model in `out`.

    Returns:
        The metrics on the test split, `{name: {metric: {"mean", "std", "values"}}}`, and one sentence that says which
        samples the model was trained on. The name "model" stands for what `haemsa predict` writes; its metrics also
        have a 95 % "interval" over the test samples. "each seed" stands for the seeds one by one, "linear model" and
        "constant" for what the model must beat. There are no metrics if the data has no test split.

    Raises:
        ValueError: the data does not fit the recipe, `out` holds a model of another recipe, `seeds` is less than 1, or
            a network diverges.

    Example:
        >>> recipe = read_recipe("runs/planted")  # doctest: +SKIP
        >>> table, protocol = train_for_good(recipe, "planted", 5, Path("models/planted"))  # doctest: +SKIP
        >>> table["model"]["sentiment/mae"]["mean"]  # doctest: +SKIP
    """
    from haemsa.cluster.final_model.calibrate import calibrated

    check_one(data, dataset)
    source = None if dataset is not None else data or recipe.data
    if source is None and dataset is None and not recipe.search:
        raise ValueError(f"{recipe.origin} names no data, expected planted, digits, a path to data, or dataset=...")
    dataset = data_again(source, dataset, recipe.stream, f"the search in {recipe.origin}")
    folder = model_folder(recipe, source, out, name=dataset.name, force=force)
    trainer = Trainer.of(recipe, dataset)
    predictor = calibrated(train_predictor(trainer, source, seeds), trainer, seeds)
    predictor.save(folder)
    table = score_beside(predictor, dataset, "test") if "test" in dataset.splits else {}
    first, task = next(iter(trainer.dataset.tasks.items()))
    main = primary(task) if len(trainer.dataset.tasks) == 1 else f"{first}/{primary(task)}"
    facts = {"models": table, "split": "test" if table else None, "objective": main}
    write_json(folder / "metrics.json", {**facts, **predictor.info})
    return table, str(predictor.info["protocol"])


def train_predictor(trainer: Trainer, data: str | None, seeds: int) -> Predictor:
    """The recipe's genomes, trained `seeds` times as one cohort on all but the test split.

    `data`: where the data was read. None: it was given from Python.

    Raises:
        ValueError: `seeds` is less than 1, or a network diverges.
    """
    from haemsa.model.predictor.predictor import Predictor
    from haemsa.model.schema import Schema
    from haemsa.model.training.fold_statistics import FoldStatistics

    if seeds < 1:
        raise ValueError(f"{seeds} seeds were asked for, expected 1 or more")
    recipe, dataset = trainer.recipe, trainer.dataset
    folds, line = protocol(recipe.validation, trainer.samples, whole=recipe.whole)
    if recipe.fingerprint not in (None, dataset.fingerprint):
        line += "; the genome was found on other data"
    trained = trainer.train(folds, [final_seed(recipe.seed, k) for k in range(seeds)])
    info = manifest(
        data=str(Path(data).resolve()) if data and Path(data).exists() else data or dataset.name,
        fingerprint=dataset.fingerprint,
        dataset=provenance(dataset, data or FROM_PYTHON),
        seed=recipe.seed,
        seeds=[final_seed(recipe.seed, k) for k in range(seeds)],
        device=trainer.pool.device.type,
        protocol=line,
        trained_on=["train"] if folds.kind == "holdout" else ["train", "valid"],
        batch_size=trainer.batch_size,
        origin=recipe.origin,
        ensemble=recipe.ensemble,
        genomes=len(recipe.members),
        recipe=recipe_key(recipe, data),
    )
    statistics = FoldStatistics.fit(trainer.pool, folds)
    predictor = Predictor.of(trained, statistics, Schema.of(dataset), trainer.normalisation, info)
    total = seeds * sum(count for _, count in recipe.members)
    return replace(predictor, shares=tuple(count / total for _ in range(seeds) for _, count in recipe.members))

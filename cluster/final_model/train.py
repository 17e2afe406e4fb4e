"""Training genomes for good: several seeds as one cohort, a saved model, and one reading of the test split."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from haemsa.cluster.final_model.recipe import Recipe, final_seed, protocol
from haemsa.cluster.final_model.trainer import Trainer
from haemsa.cluster.run_directory.manifest import manifest
from haemsa.cluster.shared.files import write_json
from haemsa.model.data.sources import load_again
from haemsa.model.data.summary import provenance
from haemsa.model.predictor.scores import ScoreTable, score

if TYPE_CHECKING:
    from haemsa.model.predictor.predictor import Predictor


def train_for_good(recipe: Recipe, data: str, seeds: int, out: Path) -> tuple[ScoreTable, str]:
    """Train the recipe's genomes on all but the test split, calibrate the model, save it, and score it once.

    Args:
        recipe: what is trained, as `read_recipe` gives it.
        data: planted, digits, or a path to data of any layout.
        seeds: how often each genome is trained, each time with another seed. All networks are one cohort.
        out: the folder for the model. It also gets metrics.json.

    Returns:
        The metrics on the test split, `{model: {metric: {"mean", "std", "values"}}}`, and one sentence that says which
        samples the model was trained on.

    Raises:
        ValueError: the data does not fit the recipe, `seeds` is less than 1, or a network diverges.

    Example:
        >>> recipe = read_recipe("runs/planted")  # doctest: +SKIP
        >>> table, protocol = train_for_good(recipe, "planted", 5, Path("models/planted"))  # doctest: +SKIP
        >>> table["model"]["sentiment/mae"]["mean"]  # doctest: +SKIP
    """
    from haemsa.cluster.final_model.calibrate import calibrated

    dataset = load_again(data, recipe.stream)
    trainer = Trainer.of(recipe, dataset)
    predictor = calibrated(train_predictor(trainer, data, seeds), trainer, seeds)
    predictor.save(out)
    table = score(predictor, dataset.part("test"))
    write_json(out / "metrics.json", {"models": table, "split": "test", **predictor.info})
    return table, str(predictor.info["protocol"])


def train_predictor(trainer: Trainer, data: str, seeds: int) -> Predictor:
    """The recipe's genomes, trained `seeds` times as one cohort on all but the test split; `data` is its name.

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
        data=data,
        fingerprint=dataset.fingerprint,
        dataset=provenance(dataset, data),
        seed=recipe.seed,
        seeds=[final_seed(recipe.seed, k) for k in range(seeds)],
        device=trainer.pool.device.type,
        protocol=line,
        batch_size=trainer.batch_size,
        origin=recipe.origin,
        ensemble=recipe.ensemble,
        genomes=len(recipe.members),
    )
    statistics = FoldStatistics.fit(trainer.pool, folds)
    predictor = Predictor.of(trained, statistics, Schema.of(dataset), trainer.normalisation, info)
    total = seeds * sum(count for _, count in recipe.members)
    return replace(predictor, shares=tuple(count / total for _ in range(seeds) for _, count in recipe.members))

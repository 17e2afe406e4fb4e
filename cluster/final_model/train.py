"""Training genomes for good: several seeds, a saved model, and one reading of the test split."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from haemsa.cluster.config import Compute
from haemsa.cluster.final_model.fine_tuning.fine_tune import FineTuned, fine_tuned, settled
from haemsa.cluster.final_model.fine_tuning.tunable import check_tunable
from haemsa.cluster.final_model.folder import model_folder, recipe_key
from haemsa.cluster.final_model.networks import FinalNetwork, Networks
from haemsa.cluster.final_model.recipe import Recipe, final_seed
from haemsa.cluster.final_model.references import score_beside
from haemsa.cluster.final_model.trainer import Trainer
from haemsa.cluster.run_directory.manifest import manifest
from haemsa.cluster.shared.files import write_json
from haemsa.cluster.shared.given_data import FROM_PYTHON, check_one, data_again
from haemsa.cluster.shared.progress import Progress, lasting
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.sources import is_on_disk
from haemsa.model.data.summary import provenance
from haemsa.model.metrics import main_metric
from haemsa.model.predictor.model_files import ADAPTED, ENCODERS
from haemsa.model.predictor.own_features import OwnFeatures
from haemsa.model.predictor.scores import ScoreTable

if TYPE_CHECKING:
    from haemsa.model.predictor.predictor import Predictor

UNFINISHED: Final = "unfinished"
"""In the folder of a model, the networks that are trained while others are not."""


def train_for_good(
    recipe: Recipe,
    data: str | None = None,
    seeds: int = 5,
    out: Path | None = None,
    *,
    dataset: Dataset | None = None,
    force: bool = False,
    compute: Compute | None = None,
    progress: Progress | None = None,
) -> tuple[ScoreTable, str]:
    """Train the recipe's genomes on all but the test split, calibrate the model, save it, and score it once.

    A training that was cut off goes on when it is called again: networks that were trained are in `out` until the model
    is there.

    Args:
        recipe: what is trained, as `read_recipe` gives it.
        data: planted, digits, or a path to data of any layout (None: the data of the search).
        seeds: how often each genome is trained, each time with another seed.
        out: the folder for the model (None: models/NAME, with a number if another model is there). It also gets
            metrics.json.
        dataset: the data, in place of `data`.
        force: replace another model in `out`.
        compute: where networks are trained. What it does not give is as in the search. If no search is known, there is
            a Ray worker for each GPU of this machine, or else for each core.
        progress: shows how far it is (None: nothing is shown).

    Returns:
        The metrics on the test split, `{name: {metric: {"mean", "std", "values"}}}`, and one sentence that says which
        samples the model was trained on. The name "model" stands for what `haemsa predict` writes; its metrics also
        have a 95 % "interval" over the test samples. "each seed" stands for the seeds one by one, "linear model" and
        "constant" for what the model must beat. There are no metrics if the data has no test split.

    Raises:
        ValueError: the data does not fit the recipe, `out` holds a model of another recipe, `seeds` is less than 1, or
            a network diverges, or no Ray cluster answers, or the encoder that is to be fine-tuned cannot be.

    Example:
        >>> recipe = read_recipe("runs/planted")  # doctest: +SKIP
        >>> table, protocol = train_for_good(recipe, "planted", 5, Path("models/planted"))  # doctest: +SKIP
        >>> table["model"]["sentiment/mae"]["mean"]  # doctest: +SKIP
    """
    began = time.time()
    check_one(data, dataset)
    source = None if dataset is not None else data or recipe.data
    if source is None and dataset is None and not recipe.search:
        raise ValueError(f"{recipe.origin} names no data, expected planted, digits, a path to data, or dataset=...")
    dataset = data_again(source, dataset, recipe.stream, f"the search in {recipe.origin}")
    folder = model_folder(recipe, source, out, name=dataset.name, force=force)
    trainer = Trainer.of(recipe, dataset, compute, lasting(progress), folder / UNFINISHED)
    predictor = settled(train_calibrated(trainer, source, seeds), folder)
    predictor.save(folder)
    others = [] if OwnFeatures.of_model(predictor.info).streams else [ADAPTED]
    for old in (ENCODERS, *others):  # these may be of another model, which is replaced
        shutil.rmtree(folder / old, ignore_errors=True)
    table = score_beside(predictor, dataset, "test") if "test" in dataset.splits else {}
    main = main_metric(trainer.dataset.tasks)
    facts = {"models": table, "split": "test" if table else None, "objective": main, "began": began}
    write_json(folder / "metrics.json", {**facts, **predictor.info})
    shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
    return table, str(predictor.info["protocol"])


def train_calibrated(trainer: Trainer, data: str | None, seeds: int) -> Predictor:
    """As `train_predictor`, but calibrated. The networks that this takes are trained beside those of the model.

    If the recipe says so, the encoder of a stream is fine-tuned with them, in the folder of what is kept.
    """
    from haemsa.cluster.final_model.calibrate import calibrated

    networks, tuned = Networks.of(trainer.recipe, trainer.samples, seeds, calibrate=True), None
    if trainer.recipe.finetune:
        assert trainer.kept is not None, "adapters are kept in a folder"
        check_tunable(trainer.recipe, trainer.dataset)
    trained, count = trainer.train(networks), len(networks.final)
    if trainer.recipe.finetune and trainer.kept:
        tuned = fine_tuned(trainer, networks, trained, trainer.kept.folder)
        trained = tuned.trained
    predictor, unseen = _predictor(trainer, networks, trained[:count], data, seeds, tuned), trained[count:]
    if networks.folds.kind == "holdout":  # the validation split calibrates, whatever fine-tuning needed
        networks, unseen = replace(networks, unseen=()), []
    return calibrated(predictor, trainer, networks, unseen)


def train_predictor(trainer: Trainer, data: str | None, seeds: int) -> Predictor:
    """The recipe's genomes, trained `seeds` times on all but the test split. The model is not calibrated.

    `data`: where the data was read. None: it was given from Python.

    Raises:
        ValueError: `seeds` is less than 1, or a network diverges.
    """
    networks = Networks.of(trainer.recipe, trainer.samples, seeds, calibrate=False)
    return _predictor(trainer, networks, trainer.train(networks), data, seeds)


def _predictor(
    trainer: Trainer,
    networks: Networks,
    trained: Sequence[FinalNetwork | None],
    data: str | None,
    seeds: int,
    tuned: FineTuned | None = None,
) -> Predictor:
    """The model of the final networks. Raises ValueError if one diverged."""
    import torch

    from haemsa.model.predictor.predictor import Predictor
    from haemsa.model.schema import Schema

    recipe, dataset = trainer.recipe, trainer.dataset
    made = replace(dataset, encoders=tuned.encoders) if tuned else dataset
    failed = sum(network is None for network in trained)
    if failed:
        raise ValueError(f"{failed} of {len(trained)} networks diverged in training, expected genomes that train")
    line = networks.protocol
    if recipe.fingerprint not in (None, dataset.fingerprint):
        line += "; the genome was found on other data"
    info = manifest(
        data=str(Path(data).resolve()) if data and is_on_disk(data) else data or dataset.name,
        fingerprint=dataset.fingerprint,
        dataset=provenance(made, data or FROM_PYTHON),
        seed=recipe.seed,
        seeds=[final_seed(recipe.seed, k) for k in range(seeds)],
        device=trainer.device,
        protocol=line,
        trained_on=["train"] if networks.folds.kind == "holdout" else ["train", "valid"],
        batch_size=trainer.batch_size,
        origin=recipe.origin,
        ensemble=recipe.ensemble,
        genomes=len(recipe.members),
        recipe=recipe_key(recipe, data),
        **({"finetuned": dict(tuned.facts)} if tuned else {}),
    )
    members = tuple(
        (row.genome, {name: torch.from_numpy(np.array(values)) for name, values in network.weights.items()})
        for row, network in zip(networks.final, trained, strict=True)
        if network is not None
    )
    total = seeds * sum(count for _, count in recipe.members)
    shares = tuple(count / total for _ in range(seeds) for _, count in recipe.members)
    return Predictor(Schema.of(dataset), trainer.normalisation, members, info, shares)

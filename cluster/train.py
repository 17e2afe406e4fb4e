"""Training a genome for good: several seeds as one cohort, a saved model, and one reading of the test split."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cluster.files import write_json
from cluster.journal import RunDirectory
from cluster.manifest import manifest
from cluster.show import best_genome
from model.data.dataset import Dataset
from model.data.folds import Folds, final, holdout
from model.data.normalisation import Normalisation
from model.data.sources import load
from model.metrics import all_metrics
from model.schema import Schema
from model.spec import Genome

log = logging.getLogger(__name__)
Table = dict[str, dict[str, dict[str, Any]]]
"""`{model: {metric: {"mean", "std", "values"}}}`."""


@dataclass(frozen=True)
class Recipe:
    """A genome, and how the search that found it trained: by `score` ("holdout" or "folds:K") and in batches."""

    genome: Genome
    score: str = "holdout"
    batch_size: int = 16
    seed: int = 0
    origin: str = ""


def read_recipe(source: str) -> Recipe:
    """The genome at `source`: a run directory, a genome.json, or an address in MLflow (runs:/... or models:/...).

    Raises ValueError, one sentence, if there is none.
    """
    if source.startswith(("runs:/", "models:/")):
        from cluster.mlflow_model import fetch_genome

        return Recipe(Genome.from_json(fetch_genome(source)), origin=source)
    path = Path(source)
    if path.is_dir():
        with RunDirectory.open(path, read_only=True) as run:
            config = run.config()
            return Recipe(best_genome(run), config.score, config.batch_size, config.seed, origin=source)
    try:
        return Recipe(Genome.from_json(path.read_text(encoding="utf-8")), origin=source)
    except FileNotFoundError:
        expected = "a run directory, a genome.json, runs:/... or models:/..."
        raise ValueError(f"source {source} does not exist, expected {expected}") from None
    except (UnicodeDecodeError, ValueError, OSError) as error:
        raise ValueError(f"source {source} holds no genome: {error}") from None


def protocol(recipe: Recipe, pool: Dataset) -> tuple[Folds, str]:
    """What final training sees: as the search scored. Returns the folds and one line that says so."""
    if recipe.score.startswith("holdout"):
        return holdout(pool), "trained on the training split, as the search did (holdout)"
    return final(
        pool
    ), f"trained on the training and validation splits together, as the search scored by {recipe.score}"


def train_for_good(recipe: Recipe, data: str, seeds: int, out: Path) -> tuple[Table, str]:
    """Train `seeds` networks as one cohort, save them in `out`, and score them on the test split, read once.

    Returns the table of test metrics, and the line that names the protocol. Raises ValueError if a network diverges.
    """
    import torch

    from model.cohort import Row
    from model.pool import FoldStatistics, Pool
    from model.predictor import Predictor
    from model.process import prepare_process
    from model.training import FailedRow, TrainedRow, TrainingSettings, train

    if seeds < 1:
        raise ValueError(f"{seeds} seeds were asked for, expected 1 or more")
    prepare_process()  # two threads that wait for each other take ten times as long once another program is busy
    dataset = load(data)
    check_modalities(recipe.genome, dataset)
    normalisation = Normalisation.fit(dataset)
    prepared = normalisation.apply(dataset.pool())
    folds, line = protocol(recipe, prepared)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    pool = Pool.of(prepared, device)
    rows = [Row(recipe.genome, final_seed(recipe.seed, k)) for k in range(seeds)]
    found = train(rows, pool, folds, TrainingSettings(recipe.batch_size, order_seed=recipe.seed))
    trained = [row for row in found if isinstance(row, TrainedRow)]
    failed = [row for row in found if isinstance(row, FailedRow)]
    if failed:
        raise ValueError(f"{len(failed)} of {seeds} networks diverged in training, expected a genome that trains")
    info = manifest(
        data=data,
        fingerprint=dataset.fingerprint,
        seed=recipe.seed,
        seeds=[row.seed for row in rows],
        device=device,
        protocol=line,
        origin=recipe.origin,
    )
    predictor = Predictor.of(trained, FoldStatistics.fit(pool, folds), Schema.of(dataset), normalisation, info)
    predictor.save(out)
    table = score(predictor, dataset.part("test"))
    write_json(out / "metrics.json", {"models": table, "split": "test", **info})
    return table, line


def final_seed(seed: int, replicate: int) -> int:
    """Seeds of final training: never those of a candidate in the search."""
    return int(np.random.SeedSequence([seed, 3, replicate]).generate_state(1)[0])


def check_modalities(genome: Genome, dataset: Dataset) -> None:
    """Raise ValueError if the genome reads a modality that the data lacks."""
    missing = sorted(set(genome.network.modalities) - set(dataset.modalities))
    if missing:
        has = ", ".join(dataset.modalities)
        raise ValueError(f"the genome reads {', '.join(missing)}, but data {dataset.name!r} has {has}")


def score(predictor: Any, dataset: Dataset, modalities: Sequence[str] | None = None) -> Table:
    """Metrics of each member, `best`, and of their mean prediction, `best+ensemble`, on all samples of `dataset`.

    `modalities`: only these are shown to the networks; None: all.
    """
    from model.predictor import inputs_of

    given = {name: item for name, item in inputs_of(dataset).items() if modalities is None or name in modalities}
    outputs = predictor.predict_members(given)
    members = [{name: values[k] for name, values in outputs.items()} for k in range(len(predictor.members))]
    each = [member_metrics(dataset, member) for member in members]
    table = {"best": summarise(each)}
    if len(each) > 1:
        mean = {name: values.mean(0) for name, values in outputs.items()}
        table["best+ensemble"] = summarise([member_metrics(dataset, mean)])
    return table


def member_metrics(dataset: Dataset, outputs: Mapping[str, Any]) -> dict[str, float]:
    """All metrics of one network's predictions (values, or probabilities) of the tasks that it predicts."""
    tasks = {name: dataset.tasks[name] for name in outputs}
    # metrics take a label as given where its logit is above 0
    centred = {name: values - 0.5 if tasks[name].kind == "multilabel" else values for name, values in outputs.items()}
    return all_metrics(tasks, centred)


def summarise(metrics: Sequence[Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """Mean, standard deviation (0 for one) and values of each metric over networks."""
    table: dict[str, dict[str, Any]] = {}
    for name in metrics[0]:
        values = np.array([found[name] for found in metrics])
        spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        table[name] = {"mean": float(values.mean()), "std": spread, "values": values.tolist()}
    return table

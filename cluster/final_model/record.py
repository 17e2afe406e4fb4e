"""What `haemsa train` leaves in MLflow: a run with metrics, and the model with its aliases.

The model and its metrics are on disk before. Whatever MLflow does, training neither fails nor waits for long.
"""

from __future__ import annotations

import json
import logging
import math
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from haemsa.cluster.final_model.recipe import Recipe
from haemsa.cluster.run_directory.tables import genome_columns
from haemsa.cluster.tracking.model_card import ALONE, HELD_OUT, TOGETHER
from haemsa.cluster.tracking.records import ModelTrained
from haemsa.model.errors import error_line
from haemsa.model.metrics import direction
from haemsa.model.predictor.scores import EACH_SEED, MODEL

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)
PATIENCE: Final = 60.0
"""Seconds that a finished training waits for MLflow."""


def record_training(
    recipe: Recipe, saved: Path, tracking: str | None = None, tell: Callable[[str], object] = log.info
) -> str | None:
    """Register a model in MLflow that `train_for_good` has saved.

    Args:
        recipe: what was trained.
        saved: the folder of the model.
        tracking: MLflow's store, or "off" (None: as the search had it).
        tell: gets one sentence about what the alias `champion` is now.

    Returns:
        The address of the model. None if tracking is off, or, with a warning, if MLflow does not take the model.

    Example:
        >>> record_training(recipe, Path("models/planted"))  # doctest: +SKIP
        'models:/haemsa-planted@champion'
    """
    uri = tracking or recipe.tracking
    if uri == "off":
        return None
    address, told = None, list[str]()
    problem = f"no answer within {PATIENCE:g} seconds"

    def send() -> None:
        nonlocal address, problem
        try:
            address = _send(recipe, saved, uri, told.append)
        except Exception as error:
            problem = error_line(error)

    thread = threading.Thread(target=send, name="tracker", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if address is None:
        log.warning("MLflow did not take the model, which is saved in %s: %s", saved, problem)
    else:
        tell(*told)
    return address


def _send(recipe: Recipe, saved: Path, uri: str | None, tell: Callable[[str], object]) -> str:
    from haemsa.cluster.tracking.client import connect, experiment_id, store_uri
    from haemsa.cluster.tracking.registry import register

    client = connect(uri)
    record = trained_record(recipe, saved)
    experiment = experiment_id(client, store_uri(uri), record.data_name)
    return register(client, experiment, record, search_run(client, experiment, recipe) or "unknown", tell)


def trained_record(recipe: Recipe, saved: Path) -> ModelTrained:
    """The record of a saved model, from its metrics.json. Its score is the main metric of its first task, held out."""
    facts = json.loads((saved / "metrics.json").read_text(encoding="utf-8"))
    table = facts["models"]
    mean = table.get(MODEL, {})  # there is none if the data has no test split
    alone, together = table.get(EACH_SEED, mean), mean if EACH_SEED in table else {}
    genome, _ = max(recipe.members, key=lambda member: member[1])
    first = next(iter(alone), None) or facts["objective"]
    held_out = facts.get("held_out", {"measured": "", "metrics": {}})
    score = held_out["metrics"].get(first)
    settings = {key: facts[key] for key in ("data", "protocol", "batch_size", "seeds", "device", "ensemble", "genomes")}
    return ModelTrained(
        name=recipe.name or Path(facts["data"]).stem,
        model_dir=saved,
        fingerprint=facts["fingerprint"],
        objective=first,
        direction=direction(first),
        score=math.nan if score is None else score,
        genome_json=genome.to_json(),
        data_name=facts["dataset"]["name"],
        metrics=_means(ALONE, alone) | _means(TOGETHER, together) | _held_out(held_out["metrics"]),
        alias="trained",
        seeds=_by_seed(alone),
        params={**settings, "source": recipe.origin, **genome_columns(genome)},
        dataset=facts["dataset"],
        measured=held_out["measured"],
    )


def _held_out(metrics: Mapping[str, float | None]) -> dict[str, float]:
    return {f"{HELD_OUT}{key}": value for key, value in metrics.items() if value is not None}


def _means(head: str, metrics: Mapping[str, Any]) -> dict[str, float]:
    """The means, without metrics that are undefined for these labels."""
    return {f"{head}{key}": figure["mean"] for key, figure in metrics.items() if figure["mean"] is not None}


def _by_seed(metrics: Mapping[str, Any]) -> list[dict[str, float]]:
    count = len(next(iter(metrics.values()))["values"]) if metrics else 0
    return [{f"test by seed/{key}": figure["values"][seed] for key, figure in metrics.items()} for seed in range(count)]


def search_run(client: MlflowClient, experiment: str, recipe: Recipe) -> str | None:
    """The run of the search that found the genome. None if MLflow does not know it."""
    if recipe.search:
        runs = client.search_runs([experiment], f"tags.`haemsa.search` = '{recipe.search}'")
        return str(runs[0].info.run_id) if runs else None
    if run := re.match(r"runs:/([^/]+)", recipe.origin):
        return run[1]
    if model := re.match(r"models:/([^/@]+)(?:@(.+)|/(\d+))$", recipe.origin):
        name, alias, number = model.groups()
        version = client.get_model_version_by_alias(name, alias) if alias else client.get_model_version(name, number)
        return client.get_run(str(version.run_id)).data.tags.get("haemsa.search_run")
    return None

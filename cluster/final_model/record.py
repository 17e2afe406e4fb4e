"""What `haemsa train` leaves in MLflow: a run with metrics, and the model with its aliases.

The model and its metrics are on disk before. Whatever MLflow does, training neither fails nor waits for long.
"""

from __future__ import annotations

import json
import logging
import math
import re
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from haemsa.cluster.final_model.recipe import Recipe
from haemsa.cluster.run_directory.plain_models import PlainModels
from haemsa.cluster.run_directory.tables import genome_columns
from haemsa.cluster.shared.text import counted
from haemsa.cluster.tracking.records import ModelTrained
from haemsa.cluster.tracking.runs.names import BY_SEED, EACH_SEED, TEST, VALID, scored
from haemsa.model.errors import error_line
from haemsa.model.metrics import direction
from haemsa.model.predictor import scores

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
    from haemsa.cluster.tracking.client import connect
    from haemsa.cluster.tracking.registry import register
    from haemsa.cluster.tracking.runs.model import UNKNOWN

    client = connect(uri)
    record, run = trained_record(recipe, saved), search_run(client, recipe)
    return register(client, _experiment(client, uri, recipe, record, run), record, run or UNKNOWN, tell)


def _experiment(client: MlflowClient, uri: str | None, recipe: Recipe, record: ModelTrained, run: str | None) -> str:
    """The experiment of the search, if it is known and had this data; otherwise that of the data."""
    from haemsa.cluster.tracking.client import experiment_asked_for, experiment_id, store_uri

    if run is not None and recipe.fingerprint == record.fingerprint:
        return str(client.get_run(run).info.experiment_id)
    named = experiment_asked_for(None)
    return experiment_id(client, store_uri(uri), record.data_name, record.fingerprint, named=named)


def trained_record(recipe: Recipe, saved: Path) -> ModelTrained:
    """The record of a saved model, from its metrics.json. Its score is the main metric of its first task, held out."""
    facts = json.loads((saved / "metrics.json").read_text(encoding="utf-8"))
    table = facts["models"]
    model = table.get(scores.MODEL, {})  # there is none if the data has no test split
    seeds = table.get(scores.EACH_SEED, {})
    genome, _ = max(recipe.members, key=lambda member: member[1])
    first = next(iter(model), None) or facts["objective"]
    tasks = facts["dataset"]["tasks"]
    held_out = facts.get("held_out", {"measured": "", "metrics": {}})
    score, plain = held_out["metrics"].get(first), PlainModels.of(held_out)
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
        metrics={
            **_named(VALID, held_out["metrics"], tasks),
            **_named(TEST, _means(model), tasks),
            **_named(EACH_SEED, _means(seeds), tasks),
        },
        alias="trained",
        seeds=[_named(BY_SEED, values, tasks) for values in _by_seed(seeds)],
        params={**settings, "source": recipe.origin, **_fine_tuning(facts), **_genes(recipe)},
        dataset=facts["dataset"],
        measured=held_out["measured"],
        commit=facts.get("commit"),
        began=facts.get("began", 0.0),
        better_plain=(plain and plain.better) or "",
        what=_words(len(facts["seeds"]), facts["genomes"]),
    )


def _fine_tuning(facts: Mapping[str, Any]) -> dict[str, str]:
    """What fine-tuning gave, if it was asked for."""
    return {"fine_tuning": facts["finetuned"]["sentence"]} if "finetuned" in facts else {}


def _words(seeds: int, genomes: int) -> str:
    return f"trained, {counted(seeds, 'seed')}" + (f" of {counted(genomes, 'genome')}" if genomes > 1 else "")


def _genes(recipe: Recipe) -> dict[str, Any]:
    """The genes. Where the genomes of an ensemble differ, all their values, in order."""
    rows = [genome_columns(genome) for genome, _ in recipe.members]
    values = {name: list(dict.fromkeys(row[name] for row in rows)) for name in rows[0]}
    return {
        name: found[0] if len(found) == 1 else " | ".join(str(row[name]) for row in rows)
        for name, found in values.items()
    }


def _named(scope: str, metrics: Mapping[str, float | None], tasks: Collection[str]) -> dict[str, float]:
    """The metrics by their names in MLflow, without those that are undefined for these labels."""
    return {scored(scope, key, tasks): value for key, value in metrics.items() if value is not None}


def _means(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    return {key: figure["mean"] for key, figure in metrics.items()}


def _by_seed(metrics: Mapping[str, Any]) -> list[dict[str, float | None]]:
    count = len(next(iter(metrics.values()))["values"]) if metrics else 0
    return [{key: figure["values"][seed] for key, figure in metrics.items()} for seed in range(count)]


def search_run(client: MlflowClient, recipe: Recipe) -> str | None:
    """The run of the search that found the genome. None if MLflow does not know it."""
    if recipe.search:
        from haemsa.cluster.tracking.client import run_of_search

        known = run_of_search(client, recipe.search)
        return str(known.info.run_id) if known else None
    if run := re.match(r"runs:/([^/]+)", recipe.origin):
        return run[1]
    if model := re.match(r"models:/([^/@]+)(?:@(.+)|/(\d+))$", recipe.origin):
        name, alias, number = model.groups()
        version = client.get_model_version_by_alias(name, alias) if alias else client.get_model_version(name, number)
        return client.get_run(str(version.run_id)).data.tags.get("haemsa.search_run")
    return None

"""Models in MLflow's registry: each is logged in a run of its own, as a version of haemsa-<name>.

The alias `champion` is the model to serve. A model that `haemsa train` made goes before a search's own network, because
it has several seeds and is calibrated. Between two models of the same kind, the alias moves only to a better score: of
the same objective, measured in the same way on held-out samples of the same data. The test split never moves it. The
alias `trained` is the model that `haemsa train` made last. Only networks are compared. The tag `better_plain_model` of
a version names a plain model that is better on the same held-out samples. A network whose score is not confirmed,
because its search was cut off, never becomes the champion.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from haemsa.cluster.shared.files import to_json
from haemsa.cluster.tracking.client import registered_name
from haemsa.cluster.tracking.records import ModelTrained
from haemsa.cluster.tracking.runs.model import log_model, run_name
from haemsa.cluster.tracking.runs.model_card import model_card, shortened
from haemsa.model.predictor.model_files import ENCODERS

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

log = logging.getLogger(__name__)
CHAMPION: Final = "champion"


def register(
    client: MlflowClient,
    experiment: str,
    record: ModelTrained,
    search_run_id: str,
    tell: Callable[[str], object] = log.info,
) -> str:
    """Log a model in a run of its own and register it. A model that is registered already stays as it is.

    Args:
        client: a client of MLflow.
        experiment: the id of the experiment.
        record: the model.
        search_run_id: the run of the search that found it.
        tell: gets one sentence about what the alias `champion` is now.

    Returns:
        models:/NAME@ALIAS with the best alias that the model has now, otherwise models:/NAME/VERSION.
    """
    name, key = registered_name(record.name), _key(record)
    version = _known_version(client, experiment, search_run_id, key)
    if version is None:
        version = _new_version(client, experiment, record, search_run_id, key)
    aliases = ["trained"] if record.alias == "trained" else []
    current = holder(client, name, CHAMPION)
    why = None if current is not None and current.version == version.version else why_not(record, current)
    if why is None:
        aliases.insert(0, CHAMPION)
    for alias in aliases:
        client.set_registered_model_alias(name, alias, version.version)
    tell(f"the champion of {name} {_words(record, version.version) if why is None else f'stays {why}'}")
    client.set_terminated(str(version.run_id))
    return f"models:/{name}@{aliases[0]}" if aliases else f"models:/{name}/{version.version}"


def _words(record: ModelTrained, version: str) -> str:
    """What the champion is now."""
    beside = f", though {record.better_plain} is better" if record.better_plain else ""
    return f"is version {version} now{beside}"


def _key(record: ModelTrained) -> str:
    """A key that no other model of the same search has."""
    figures = to_json([record.score, dict(record.metrics)])
    kept = " with encoders" if (Path(record.model_dir) / ENCODERS).is_dir() else ""
    return hashlib.sha256(f"{record.alias} {record.genome_json} {figures}{kept}".encode()).hexdigest()[:16]


def _known_version(client: MlflowClient, experiment: str, search_run_id: str, key: str) -> ModelVersion | None:
    """The version that an earlier sending of the record registered. Runs of unfinished sendings are deleted."""
    query = f"tags.`haemsa.search_run` = '{search_run_id}' AND tags.`haemsa.model` = '{key}'"
    for run in client.search_runs([experiment], query):
        versions = client.search_model_versions(f"run_id = '{run.info.run_id}'")
        if versions:
            version: ModelVersion = versions[0]
            return version
        client.delete_run(run.info.run_id)
    return None


def _new_version(
    client: MlflowClient, experiment: str, record: ModelTrained, search_run_id: str, key: str
) -> ModelVersion:
    from haemsa.model.predictor.predictor import Predictor

    card = model_card(record, Predictor.load(record.model_dir))
    logged = log_model(client, experiment, record, card, {"haemsa.search_run": search_run_id, "haemsa.model": key})
    name, run_id = registered_name(record.name), str(logged.source_run_id)
    if not client.search_registered_models(filter_string=f"name = '{name}'"):
        client.create_registered_model(name, description=f"Networks found by haemsa for {record.name}.")
    # by location, because models:/ID would be looked up in the global store of this process
    place, facts, wait = logged.artifact_location, _facts(record), 60
    version: ModelVersion = client.create_model_version(
        name, place, run_id, facts, description=shortened(card), await_creation_for=wait, model_id=logged.model_id
    )
    client.update_run(run_id, name=f"{run_name(record)} (version {version.version})")
    return version


def _facts(record: ModelTrained) -> dict[str, str]:
    """The tags of a version: by them it is compared with others."""
    return {
        "fingerprint": record.fingerprint,
        "objective": record.objective,
        "direction": record.direction,
        "score": repr(float(record.score)),
        "measured": record.measured,
        "alias": record.alias,
        **({"better_plain_model": record.better_plain} if record.better_plain else {}),
        **({} if record.confirmed else {"confirmed": "no"}),
    }


def holder(client: MlflowClient, name: str, alias: str) -> ModelVersion | None:
    """The version with this alias. None if there is none."""
    aliases = client.get_registered_model(name).aliases
    return client.get_model_version(name, aliases[alias]) if alias in aliases else None


def why_not(record: ModelTrained, current: ModelVersion | None) -> str | None:
    """Why the champion stays, with its version. None if the model becomes the champion.

    Args:
        record: the model.
        current: the champion so far. None: there is none.
    """
    final = record.alias == "trained"
    version = "empty" if current is None else f"version {current.version}"
    if not record.confirmed:
        return f"{version}: the score of this network is not confirmed"
    if current is None:
        return None if final or math.isfinite(record.score) else f"{version}: this model has no score"
    facts = current.tags
    if facts.get("fingerprint") != record.fingerprint:
        return f"{version}: it was scored on other data"
    was_final = facts.get("alias") == "trained"  # older versions have no such tag, and their champion is a search's own
    if final != was_final:
        return None if final else f"{version}: haemsa train made it, and this is a search's own network"
    worse = _why_not_better(record, {"measured": "" if final else record.measured, **facts})  # older ones lack the tag
    return f"{version}: {worse}" if worse else None


def _why_not_better(record: ModelTrained, facts: Mapping[str, str]) -> str | None:
    """Why a model is no better than another of the same kind, whose tags are given. None if it is better."""
    if not math.isfinite(record.score):
        return "this model has no held-out score"
    if any(facts.get(key) != getattr(record, key) for key in ("objective", "direction", "measured")):
        return "it was scored in another way"
    best = float(facts["score"])
    better = record.score < best if record.direction == "min" else record.score > best
    if better or not math.isfinite(best):
        return None
    return f"its {record.objective} {record.measured} is {best:.4g}, that of this model {record.score:.4g}"

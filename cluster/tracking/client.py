"""A connection to MLflow, and our values as MLflow takes them: metrics, parameters and tags."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from haemsa.cluster.run_directory.places import absolute_store
from haemsa.cluster.shared.files import to_json

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, Run, RunTag

DEFAULT_STORE: Final = "sqlite:///mlflow.db"
_FINGERPRINT: Final = "haemsa.fingerprint"
_QUIET: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
}


def store_uri(uri: str | None) -> str:
    """MLflow's store: `uri`; without it MLFLOW_TRACKING_URI; without both a database in the current folder.

    A path in it is absolute, so that it names the same store in every folder.
    """
    return absolute_store(uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_STORE)


def store_of(tracking: str | None) -> str | None:
    """The store that the setting `tracking` names. None if tracking is off."""
    return None if tracking == "off" else store_uri(tracking)


def store_to_keep(tracking: str | None) -> str | None:
    """The setting `tracking` as a run directory keeps it: the store that is in effect now.

    An address of the environment that holds a password is not written down. It is None then, as it was given.
    """
    store = store_of(tracking)
    secret = tracking is None and store is not None and re.search(r"//[^/@]*:[^/@]*@", store)
    return tracking if store is None or secret else store


def experiment_asked_for(experiment: str | None) -> str | None:
    """The setting `experiment`; without it MLflow's own MLFLOW_EXPERIMENT_NAME. None: the data names the experiment."""
    return experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME") or None


@contextmanager
def quiet() -> Iterator[None]:
    """MLflow prints nothing while the block runs. The environment is the caller's again afterwards."""
    added = [name for name in _QUIET if name not in os.environ]
    try:
        os.environ.update({name: _QUIET[name] for name in added})
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def connect(uri: str | None) -> MlflowClient:
    """A client of `store_uri(uri)` that prints nothing. It gives up on a silent server in seconds, not minutes."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return MlflowClient(tracking_uri=store_uri(uri), registry_uri=store_uri(uri))


def experiment_id(
    client: MlflowClient, uri: str, data_name: str, fingerprint: str = "", named: str | None = None
) -> str:
    """The experiment of a data set. It is made if it is new, and restored if it was deleted.

    Args:
        client: a client of MLflow.
        uri: the store that the client uses.
        data_name: the name of the data, which is the name of the experiment.
        fingerprint: of the data ("": not known). If the experiment of that name was made for other data, the name gets
            it too.
        named: the name that was asked for. None: the data names it.
    """
    name = named or data_name
    experiment = client.get_experiment_by_name(name)
    of_other_data = experiment is not None and experiment.tags.get(_FINGERPRINT, fingerprint) != fingerprint
    if of_other_data and fingerprint and not named:
        name = f"{data_name} ({fingerprint[:8]})"
        experiment = client.get_experiment_by_name(name)
    if experiment is not None:
        if experiment.lifecycle_stage == "deleted":
            client.restore_experiment(experiment.experiment_id)
        return str(experiment.experiment_id)
    location = None
    if uri.startswith("sqlite:///"):  # next to the database, not in the folder where the search was started
        folder = Path(uri.removeprefix("sqlite:///")).resolve().parent / "mlartifacts"
        location = (folder / "".join(c if c.isalnum() or c in "-_" else "_" for c in name)).as_uri()
    tags = {"mlflow.experimentKind": "custom_model_development"}  # or the page shows it as one of language models
    if fingerprint and not named:
        tags[_FINGERPRINT] = fingerprint
    return str(client.create_experiment(name, artifact_location=location, tags=tags))


def run_of_search(client: MlflowClient, identity: str) -> Run | None:
    """The run of the search with this id, in whichever experiment. None if there is none, or the id is empty."""
    experiments = [str(one.experiment_id) for one in client.search_experiments()]
    runs = client.search_runs(experiments, f"tags.`haemsa.search` = '{identity}'") if identity and experiments else []
    return runs[0] if runs else None


_LONGEST_PARAMETER: Final = 500


def metrics_of(values: Mapping[str, object], at: float, step: int) -> Iterator[Metric]:
    """The numbers among the values, for one step. at: the time, in seconds since 1970."""
    from mlflow.entities import Metric

    for key, value in values.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield Metric(_safe(key), float(value), int(at * 1000), step)


def params_of(values: Mapping[str, object]) -> list[Param]:
    """All values that are not None. Long values are cut."""
    from mlflow.entities import Param

    return [Param(_safe(key), _cut(_text(value))) for key, value in values.items() if value is not None]


def tags_of(values: Mapping[str, object]) -> list[RunTag]:
    """The values as tags haemsa.<key>."""
    from mlflow.entities import RunTag

    return [RunTag(f"haemsa.{key}", _text(value)) for key, value in values.items()]


def registered_name(name: str) -> str:
    """haemsa-<name>, without characters that the registry does not accept in names."""
    return "haemsa-" + (re.sub(r"[^\w-]+", "-", name).strip("-") or "model")


def plain(value: object) -> Any:
    """The value as it comes back from JSON."""
    return json.loads(to_json(value))


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else to_json(value)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_PARAMETER else text[: _LONGEST_PARAMETER - 3] + "..."


def _safe(key: str) -> str:
    return "".join(c if c.isalnum() or c in "_-. /" else "_" for c in key)

"""Models and genomes from MLflow, by their addresses."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from haemsa.cluster.shared.files import write_json
from haemsa.cluster.tracking.client import connect, quiet, store_uri
from haemsa.cluster.tracking.runs.networks import FILE, NUMBER

if TYPE_CHECKING:
    from mlflow import MlflowClient


def fetch_model(address: str, tracking: str | None = None) -> Path:
    """Download a saved model.

    Args:
        address: runs:/RUN/PATH or models:/NAME@ALIAS.
        tracking: MLflow's store, as `store_uri` takes it.

    Returns:
        The folder of the model on this machine.

    Raises:
        ValueError: MLflow has no such model.
    """
    folder = fetch_folder(address, tracking)
    path = next(iter(sorted(folder.rglob("model.json"))), None)
    if path is None:
        raise ValueError(f"{address} holds no model of ours, expected one that haemsa search or train registered")
    return path.parent


def fetch_genome(address: str, tracking: str | None = None) -> str:
    """The genome, as JSON, of a registered model or of a search's run. Raises ValueError if there is none."""
    folder = fetch_folder(address, tracking)
    paths = [path for name in ("genome.json", "best_genome.json") for path in sorted(folder.rglob(name))]
    if not paths:
        raise ValueError(f"{address} holds no genome, expected the run of a search, or a model that it registered")
    return paths[0].read_text(encoding="utf-8")


def fetch_folder(address: str, tracking: str | None) -> Path:
    """The files of a run or of a model, in a folder on this machine. Raises ValueError if MLflow has no such thing."""
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    place = store_uri(tracking)
    try:
        with quiet():
            client = connect(place)
            tags = client.get_run(run).data.tags if (run := _run(client, address)) else {}
            if NUMBER in tags:
                return _network(client, tags["mlflow.parentRunId"], int(tags[NUMBER]))
            source = _source(client, address)
            return Path(download_artifacts(source, tracking_uri=place, registry_uri=place))
    except (MlflowException, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"{address} cannot be loaded from MLflow at {place}: {reason}") from None


def _run(client: MlflowClient, address: str) -> str | None:
    """The run at an address, or the run that made the model there, if it is one that has an id and no name."""
    if run := re.fullmatch(r"runs:/([^/]+)", address):
        return run[1]
    model = re.fullmatch(r"models:/(m-[0-9a-f]{32})", address)
    return client.get_logged_model(model[1]).source_run_id if model else None


def _network(client: MlflowClient, search: str, number: int) -> Path:
    """A folder with the genome of a network, from the file of all networks that the run of its search has."""
    folder = Path(tempfile.mkdtemp())
    path = Path(client.download_artifacts(search, FILE, str(folder)))
    genomes = {row["id"]: row["genome"] for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())}
    write_json(folder / "genome.json", genomes[number])
    return folder


def _source(client: MlflowClient, address: str) -> str:
    """Where the files are. MLflow itself would look for an alias in the registry of this process."""
    if re.fullmatch(r"runs:/[^/]+", address):
        return address + "/"
    registered = re.fullmatch(r"models:/([^/@]+)(?:@([^/]+)|/(\d+))", address)
    if registered is None:
        return address
    name, alias, number = registered.groups()
    version = number or client.get_model_version_by_alias(name, alias).version
    return str(client.get_model_version_download_uri(name, str(version)))

"""Models and genomes out of MLflow, by their addresses there."""

from __future__ import annotations

import re
from pathlib import Path

from haemsa.cluster.tracking.client import connect, store_uri


def fetch_model(address: str, tracking: str | None = None) -> Path:
    """The saved model at runs:/RUN/PATH or models:/NAME@ALIAS, in a folder here. ValueError if there is none.

    `tracking`: MLflow's store, as `store_uri` takes it.
    """
    folder = _download(address, tracking)
    found = next(iter(sorted(folder.rglob("model.json"))), None)
    if found is None:
        raise ValueError(f"{address} holds no model of ours, expected one that haemsa search or train registered")
    return found.parent


def fetch_genome(address: str, tracking: str | None = None) -> str:
    """The genome, as JSON, of a registered model or of a search's run. ValueError if there is none."""
    folder = _download(address, tracking)
    found = [path for name in ("genome.json", "best_genome.json") for path in sorted(folder.rglob(name))]
    if not found:
        raise ValueError(f"{address} holds no genome, expected the run of a search, or a model that it registered")
    return found[0].read_text(encoding="utf-8")


def _download(address: str, tracking: str | None) -> Path:
    import mlflow
    from mlflow.exceptions import MlflowException

    place = store_uri(tracking)
    connect(place)  # sets what keeps MLflow quiet
    mlflow.set_tracking_uri(place)
    whole = address + "/" if re.fullmatch(r"runs:/[^/]+", address) else address
    try:
        return Path(mlflow.artifacts.download_artifacts(whole))
    except (MlflowException, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"{address} is not to be had from MLflow at {place}: {reason}") from None

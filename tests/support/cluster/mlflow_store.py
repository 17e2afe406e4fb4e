"""A new store of MLflow, copied from one that is made once. MLflow needs seconds for one, mostly for the disk."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory


def mlflow_store(folder: Path) -> str:
    """The address of a new store in `folder`."""
    path = folder / "mlflow.db"
    path.write_bytes(_empty_store())
    return f"sqlite:///{path}"


@cache
def _empty_store() -> bytes:
    from mlflow import MlflowClient

    with TemporaryDirectory() as folder:
        path = Path(folder) / "mlflow.db"
        MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
        return path.read_bytes()

"""The folder in which a job of Ray's runs: the code was shipped there, and what is written there goes with the job."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SHIPPED: Final = "working_dir_files"
"""What Ray calls the folder of such folders, on every node."""


def check_kept(run: Path, store: str | None) -> None:
    """Raise ValueError if the run directory, or MLflow's `store` (None: not used), would not outlast the job."""
    where = "the folder that Ray shipped and removes when its job ends"
    if _is_shipped(run):
        raise ValueError(f"run directory {run} lies in {where}, expected an absolute path, such as --run ~/runs/mine")
    if store is not None and store.startswith("sqlite:///") and _is_shipped(Path(store.removeprefix("sqlite:///"))):
        raise ValueError(
            f"MLflow's store {store} lies in {where}, expected --tracking or MLFLOW_TRACKING_URI with a server's "
            "address or sqlite:////ABSOLUTE/mlflow.db, or --tracking off"
        )


def _is_shipped(path: Path) -> bool:
    return SHIPPED in path.resolve().parts

"""Pictures of a search as files, for MLflow's page: drawn when it has ended."""

from __future__ import annotations

from pathlib import Path

from cluster.journal import RunDirectory
from cluster.view.front import save
from cluster.view.search_figures import search_figures


def write_pictures(run: RunDirectory, folder: Path) -> None:
    """Draw all that need nothing but the run directory into `folder`, which is made; none without scores."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in search_figures(run).items():
        save(figure, folder / f"{name}.png")

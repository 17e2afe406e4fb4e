"""The best network of a search at work, and those of ablated searches beside it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from haemsa.cluster.report.best_model.held_out import ObservedModel
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.model.data.dataset import Dataset


def observe_best(run: Path, data: Dataset) -> ObservedModel:
    """The best network of the search in `run`, at work on `data`.

    Raises:
        ValueError: no best network is saved, or it was trained on other data.
    """
    with RunDirectory.open(run, read_only=True) as directory:
        return ObservedModel.of(directory.best, directory.config(), data)


def ablations(folder: Path | None, data: Dataset) -> dict[str, ObservedModel]:
    """By name, the best of each search of `haemsa ablate` in `folder`. Searches on other data are left out."""
    observed = {}
    for path in sorted(folder.iterdir()) if folder is not None and folder.is_dir() else ():
        with suppress(ValueError):
            observed[path.name] = observe_best(path, data)
    return observed

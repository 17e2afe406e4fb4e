"""What an estimator keeps of a search: the model trained for good, the front, and the best genome."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.final_model.recipe import read_recipe
from haemsa.cluster.final_model.train import train_for_good
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.launch import run_search
from haemsa.cluster.shared.progress import Progress
from haemsa.cluster.workers.own_objectives import OwnFunctions
from haemsa.cluster.workers.tasks.place import shared_ray
from haemsa.model.data.dataset import Dataset
from haemsa.model.predictor.predictor import Predictor
from haemsa.model.spec.genome import Genome

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Found:
    """The trained model, the genome that is best, the front as a table, and where the run is kept (None: nowhere)."""

    model: Predictor
    genome: Genome
    front: pd.DataFrame
    run: Path | None


def found(
    dataset: Dataset,
    config: SearchConfig,
    seeds: int,
    ensemble: bool,
    progress: Progress | None,
    own_objectives: OwnFunctions | None = None,
) -> Found:
    """Search the data, and train the best genome or ensemble for good. Ctrl-C ends the search, and training follows.

    Args:
        dataset: The data.
        config: The settings. Without `run`, the run directory is temporary.
        seeds: How often each genome is trained.
        ensemble: Train the best ensemble of the search, not its best genome.
        progress: Shows how the search stands.
        own_objectives: Functions that are objectives.

    Raises:
        ValueError: For settings that do not fit the data, or if no network could be trained.
    """
    import pandas as pd

    with _place(config.run) as place, shared_ray(config.compute):
        placed = config.model_copy(update={"run": str(place)})
        result = run_search(placed, progress, dataset=dataset, own_objectives=own_objectives)
        if result.summary["best"] is None:
            raise ValueError(f"no network could be trained: {_first_failure(place)}")
        recipe = read_recipe(place, ensemble=ensemble)
        train_for_good(recipe, seeds=seeds, out=place / "model", dataset=dataset, progress=progress)
        genome = Genome.from_json((place / "best" / "genome.json").read_text(encoding="utf-8"))
        front = pd.read_csv(place / "front.csv")
        return Found(Predictor.load(place / "model"), genome, front, place if config.run else None)


@contextmanager
def _place(run: str | None) -> Iterator[Path]:
    if run is not None:
        yield Path(run)
        return
    with tempfile.TemporaryDirectory(prefix="haemsa-") as folder:
        yield Path(folder) / "run"


def _first_failure(run: Path) -> str:
    with RunDirectory.open(run, read_only=True) as directory:
        failures = [row.failure.message for row in directory.journal.rows() if row.failure is not None]
    return failures[0] if failures else "the search ended before the first"

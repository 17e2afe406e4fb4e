"""A model that was trained for good on the tiny data, and the same in MLflow's form."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from haemsa.cluster.config import Compute
from haemsa.cluster.final_model.recipe import Recipe
from haemsa.cluster.final_model.record import trained_record
from haemsa.cluster.final_model.train import train_for_good
from haemsa.cluster.tracking.client import quiet
from haemsa.cluster.tracking.pyfunc import save_pyfunc
from tests.support.cluster.search_fakes import genome
from tests.support.cluster.tiny import stored

RECIPE: Final = Recipe(((genome(2, epochs=2), 1),), origin="genome.json", compute=Compute(backend="inline"))


def saved_model(folder: Path) -> Path:
    """A model of two seeds in a folder of its own below `folder`. Its metrics.json is beside it."""
    train_for_good(RECIPE, str(stored(folder)), 2, folder / "model")
    return folder / "model"


def as_pyfunc(saved: Path, folder: Path) -> Path:
    """A saved model in MLflow's form. Returns its folder below `folder`, which is made."""
    folder.mkdir()
    with quiet():
        return save_pyfunc(trained_record(RECIPE, saved), "# a card", folder)

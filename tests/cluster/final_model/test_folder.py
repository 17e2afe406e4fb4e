"""A model of another recipe stays where it is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from haemsa.cluster.config import Compute
from haemsa.cluster.final_model.folder import model_folder, recipe_key
from haemsa.cluster.final_model.recipe import Recipe
from haemsa.cluster.final_model.train import train_for_good
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import EncoderSpec, NetworkSpec
from haemsa.model.spec.training import TrainingGenes
from tests.support.cluster.tiny import stored

ONE = Recipe(
    ((Genome(NetworkSpec(8, (EncoderSpec("text"),)), TrainingGenes(epochs=1)), 1),),
    origin="runs/one",
    compute=Compute(backend="inline"),
)
OTHER = replace(ONE, seed=1, origin="runs/other")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def saved(folder: Path, info: object) -> Path:
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps({"info": info}))
    return folder


def test_a_model_has_the_name_of_its_data(here: Path) -> None:
    assert model_folder(ONE, "data/mine.h5", None) == Path("models/mine")
    assert model_folder(ONE, None, None, name="given") == Path("models/given")


def test_the_same_recipe_takes_its_own_folder_again_and_another_the_next(here: Path) -> None:
    saved(here / "models/mine", {"recipe": recipe_key(ONE, "mine.h5")})
    assert model_folder(ONE, "mine.h5", None) == Path("models/mine")
    assert model_folder(OTHER, "mine.h5", None) == Path("models/mine-2")
    saved(here / "models/mine-2", {"recipe": "something"})
    assert model_folder(OTHER, "mine.h5", None) == Path("models/mine-3")
    assert model_folder(OTHER, "mine.h5", None, force=True) == Path("models/mine")


@pytest.mark.parametrize("info", [{"recipe": "another"}, {}, None])
def test_a_folder_that_was_asked_for_is_refused_if_another_model_is_there(here: Path, info: object) -> None:
    folder = saved(here / "kept", info)
    with pytest.raises(ValueError, match=r"kept holds another model, expected a new folder, or --force to replace it"):
        model_folder(ONE, "mine.h5", folder)
    assert model_folder(ONE, "mine.h5", folder, force=True) == folder


def test_a_folder_without_a_model_may_be_used(here: Path) -> None:
    (here / "notes").mkdir()
    assert model_folder(ONE, "mine.h5", here / "notes") == here / "notes"


def test_the_same_genome_on_other_data_is_another_recipe(here: Path) -> None:
    for name in ("a", "b"):
        (here / name).mkdir()
        (here / name / "mine.h5").touch()
    assert recipe_key(ONE, "a/mine.h5") == recipe_key(ONE, str(here / "a/mine.h5")) != recipe_key(ONE, "b/mine.h5")


def test_training_replaces_no_other_model_and_loses_none(here: Path) -> None:
    store = str(stored(here))
    train_for_good(ONE, store, 1, here / "model")
    before = (here / "model/model.json").read_bytes()
    with pytest.raises(ValueError, match="holds another model"):
        train_for_good(OTHER, store, 1, here / "model")
    assert (here / "model/model.json").read_bytes() == before
    train_for_good(OTHER, store, 1, here / "model", force=True)
    assert (here / "model/model.json").read_bytes() != before

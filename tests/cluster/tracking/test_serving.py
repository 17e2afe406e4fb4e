"""A model that was trained for good: its run in MLflow, and its answers by pyfunc and over HTTP."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from haemsa.cluster.final_model.load import load_model
from haemsa.cluster.final_model.predictions import predictions
from haemsa.cluster.final_model.recipe import Recipe
from haemsa.cluster.final_model.record import record_training, search_run, trained_record
from haemsa.cluster.final_model.train import train_for_good
from haemsa.cluster.tracking.client import connect, experiment_id
from haemsa.cluster.tracking.mlflow_sink import MlflowSink
from haemsa.cluster.tracking.pyfunc import requirements
from haemsa.cluster.tracking.registry import register
from haemsa.cluster.tracking.runs.model_card import LONGEST, model_card, shortened
from haemsa.model.data.dataset import Dataset
from haemsa.model.predictor.inputs import inputs_of
from haemsa.model.predictor.predictor import Predictor
from tests.support.cluster.bare_environment import bare_environment
from tests.support.cluster.local_server import ask, mlflow_running
from tests.support.cluster.mlflow_store import mlflow_store
from tests.support.cluster.saved_model import RECIPE
from tests.support.cluster.search_fakes import started
from tests.support.cluster.tiny import data, stored

pytestmark = pytest.mark.slow

WIDTH = data().modalities["text"].width
COUNT = 4  # samples that are asked for


class World:
    """A store of MLflow with a model trained for good, after a search's own network was registered."""

    def __init__(self, folder: Path) -> None:
        self.uri = mlflow_store(folder)
        self.recipe, self.saved = RECIPE, folder / "model"
        self.table, _ = train_for_good(self.recipe, str(stored(folder)), 2, self.saved)
        self.client = connect(self.uri)
        self.record = trained_record(self.recipe, self.saved)
        self.told = list[str]()
        self.found = self.register(alias="champion", score=0.001, measured="in the search, by holdout")
        with patch("haemsa.cluster.final_model.record.PATIENCE", 600.0):
            self.address = record_training(self.recipe, self.saved, self.uri, self.told.append)

    def register(self, **changes: Any) -> str:
        experiment = experiment_id(self.client, self.uri, self.record.data_name)
        record = replace(self.record, **changes)
        return register(self.client, experiment, record, "unknown", self.told.append)

    def version(self, alias: str) -> Any:
        return self.client.get_model_version_by_alias("haemsa-tiny", alias)

    def expected(self, hidden: str | None = None) -> pd.DataFrame:
        """What `haemsa predict` writes for the first samples, a modality hidden from each but the first."""
        return predictions(Predictor.load(self.saved), shown(hidden))


def shown(hidden: str | None = None) -> Dataset:
    few = data().take(np.arange(COUNT))
    where = np.arange(COUNT)[:, None] == 0
    return few.hiding([hidden], where) if hidden else few


def rows(hidden: str | None = None) -> list[dict[str, Any]]:
    """The same as JSON has it: a list of steps per modality, None where it is absent."""
    few = shown(hidden)
    return [
        {
            name: item.features[n, : item.lengths[n]].tolist() if item.lengths[n] else None
            for name, item in few.modalities.items()
        }
        for n in range(COUNT)
    ]


def check(answers: pd.DataFrame, expected: pd.DataFrame) -> None:
    """That all columns of the answers are those of `haemsa predict`."""
    assert {"sentiment", "emotion", "emotion/anger"} <= set(answers.columns)
    for name in answers.columns:
        if answers[name].dtype.kind == "f":
            np.testing.assert_allclose(answers[name], expected[name], rtol=1e-5, atol=1e-6)
        else:
            assert list(answers[name]) == list(expected[name])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("served"))


@pytest.fixture
def loaded(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", world.uri)
    mlflow.set_tracking_uri(world.uri)
    yield mlflow.pyfunc.load_model("models:/haemsa-tiny@champion")
    mlflow.set_tracking_uri(None)


def test_training_for_good_is_a_run_with_figures_data_and_the_model(world: World) -> None:
    assert (world.found, world.address) == ("models:/haemsa-tiny@champion", "models:/haemsa-tiny@champion")
    version = world.version("trained")
    assert version.version == world.version("champion").version
    run = world.client.get_run(version.run_id)
    mae = world.table["each seed"]["sentiment/mae"]
    assert run.data.metrics["test/sentiment/mae"] == world.table["model"]["sentiment/mae"]["mean"]
    assert run.data.metrics["test_each_seed/sentiment/mae"] == mae["mean"]
    history = world.client.get_metric_history(run.info.run_id, "test_by_seed/sentiment/mae")
    assert [(item.step, item.value) for item in history] == list(enumerate(mae["values"]))
    valid = Predictor.load(world.saved).predict(inputs_of(data().part("valid")))["sentiment"]
    held_out = np.abs(valid - data().part("valid").tasks["sentiment"].targets).mean()
    assert float(version.tags["score"]) == pytest.approx(held_out, abs=1e-5)
    assert run.data.metrics["valid/sentiment/mae"] == float(version.tags["score"])
    assert version.tags["measured"] == "on the validation split"
    assert run.data.params["protocol"].startswith("trained on the training split")
    assert run.data.tags["haemsa.search_run"] == "unknown"
    (given,) = run.inputs.dataset_inputs
    assert (given.dataset.digest, given.tags[0].value) == (data().fingerprint, "training")
    assert (run.info.status, run.data.tags["mlflow.source.name"]) == ("FINISHED", "haemsa train")


def test_the_champion_is_the_model_trained_for_good_until_a_better_one_comes(world: World) -> None:
    now = world.version("champion").version
    score = world.record.score
    worse = world.register(score=score + 0.1)
    assert (worse, world.version("champion").version) == ("models:/haemsa-tiny@trained", now)
    assert world.told[-1] == (
        f"the champion of haemsa-tiny stays version {now}: its sentiment/mae on the validation split is {score:.4g}, "
        f"that of this model {score + 0.1:.4g}"
    )
    found = world.register(score=0.0001, alias="champion", measured="in the search, by holdout")
    assert re.fullmatch(r"models:/haemsa-tiny/\d+", found)
    assert world.told[-1].endswith(": haemsa train made it, and this is a search's own network")
    assert world.told[:2] == [f"the champion of haemsa-tiny is version {n} now" for n in (1, 2)]
    world.client.set_registered_model_alias("haemsa-tiny", "trained", now)


def test_a_model_has_a_card_wherever_one_looks(world: World) -> None:
    version = world.version("trained")
    card = Path(version.source.removeprefix("file://"), "README.md").read_text()
    mean, valid = world.table["model"]["sentiment/mae"]["mean"], float(version.tags["score"])
    figures = f"sentiment/mae {mean:.4g} on the test split, {valid:.4g} on the validation split"
    assert card.startswith(f"# haemsa-tiny\n\n**tiny, trained, 2 seeds: {figures}.**\n\nA hierarchical mixture of")
    assert "the mean of 2 networks of 1 genome." in card
    assert "├── inputs: one token of width 16 per modality" in card
    assert f"fingerprint `{data().fingerprint}`: samples 120 train, 40 valid, 40 test." in card
    seeds = world.table["each seed"]["sentiment/mae"]["mean"]
    assert f"| sentiment/mae | {mean:.4g} | {seeds:.4g} |" in card
    assert "mlflow models serve -m models:/haemsa-tiny@trained --env-manager local" in card
    assert version.description == shortened(card) == card.removeprefix("# haemsa-tiny\n\n")
    assert world.client.get_run(version.run_id).data.tags["mlflow.note.content"] == shortened(card)


def test_a_card_is_cut_to_what_the_registry_keeps(world: World) -> None:
    many = replace(world.record, metrics={f"test/{n}": 0.5 for n in range(500)})
    card = model_card(many, Predictor.load(world.saved))
    assert len(card) > LONGEST == len(shortened(card))
    assert shortened(card).endswith("(the rest is in the model's README.md)")


@pytest.mark.parametrize("hidden", [None, "audio"])
def test_answers_are_those_of_predict_also_without_a_modality(world: World, loaded: Any, hidden: str | None) -> None:
    check(loaded.predict(pd.DataFrame(rows(hidden))), world.expected(hidden))


def test_networks_count_by_their_shares_in_what_predict_writes(world: World) -> None:
    found = predictions(replace(Predictor.load(world.saved), shares=(0.75, 0.25)), shown())
    np.testing.assert_allclose(found["sentiment"], 0.75 * found["sentiment_0"] + 0.25 * found["sentiment_1"], rtol=1e-5)


def test_a_modality_may_be_left_out_and_numbers_may_be_whole(world: World, loaded: Any) -> None:
    few = pd.DataFrame(rows())[["text"]].head(1)
    (only,) = loaded.predict(few)["sentiment"]
    nothing = {name: [None] for name in data().modalities}
    (same,) = loaded.predict(pd.DataFrame({**nothing, "text": few["text"]}))["sentiment"]
    assert only == same
    whole, fractions = ({"text": [[[kind(n) for n in range(WIDTH)]]]} for kind in (int, float))
    whole_answer, answer = (loaded.predict(pd.DataFrame(given)) for given in (whole, fractions))
    pd.testing.assert_frame_equal(whole_answer, answer)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ([[1.0]], f"text of row 0 has a step of 1 numbers, expected {WIDTH} numbers in each step"),
        ([[1.0] * WIDTH, [1.0, 2.0]], f"text of row 0 has a step of 2 numbers, expected {WIDTH} numbers in each step"),
        ([1.0] * WIDTH, f"text of row 0 has a step of shape [], expected {WIDTH} numbers in each step"),
        ([["a"]], f"text of row 0 is not steps of {WIDTH} numbers each"),
        (5.0, f"text of row 0 is not steps of {WIDTH} numbers each"),
    ],
)
def test_a_sample_of_another_form_is_named(loaded: Any, cell: Any, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        loaded.predict(pd.DataFrame({"text": [cell]}))


def test_a_store_that_does_not_answer_is_one_warning(world: World, caplog: pytest.LogCaptureFixture) -> None:
    assert record_training(world.recipe, world.saved, "nonsense://nowhere") is None
    (told,) = [item.message for item in caplog.records]
    assert told.startswith(f"MLflow did not take the model, which is saved in {world.saved}: ")
    assert record_training(world.recipe, world.saved, "off") is None


def test_the_search_behind_a_model_is_found(world: World) -> None:
    search = started(data_name=data().name, identity="abcd")
    sink = MlflowSink(world.uri, search)
    sink.send(search)
    found = {
        origin: search_run(world.client, Recipe((), origin=origin, search=known))
        for origin, known in [
            ("runs/mine", "abcd"),
            ("runs/other", "efgh"),
            ("runs:/5678", ""),
            ("models:/haemsa-tiny@champion", ""),
            ("models:/haemsa-tiny/1", ""),
            ("genome.json", ""),
        ]
    }
    assert list(found.values()) == [sink.run_id, None, "5678", "unknown", "unknown", None]


def test_numbers_that_are_missing_are_filled_as_in_training(world: World, loaded: Any) -> None:
    means = Predictor.load(world.saved).feature_means()["text"]
    steps = rows()[0]["text"]
    holes = [[None if at == 2 else value for at, value in enumerate(step)] for step in steps]
    filled = [[float(means[2]) if at == 2 else value for at, value in enumerate(step)] for step in steps]
    as_nan = np.array(holes, float)
    answers = loaded.predict(pd.DataFrame({"text": [holes, filled, as_nan]}))
    np.testing.assert_allclose(answers["sentiment"], [answers["sentiment"][1]] * 3, rtol=1e-5)
    without = loaded.predict(pd.DataFrame({"text": [None, [[None] * WIDTH], [], float("nan")]}))  # as data is read
    assert without["sentiment"].nunique() == 1


def test_answers_have_the_intervals_and_the_signature_says_so(loaded: Any) -> None:
    answers = loaded.predict(pd.DataFrame(rows()))
    assert list(answers.columns[:4]) == ["sentiment", "sentiment_low", "sentiment_high", "emotion"]
    assert (answers["sentiment_low"] <= answers["sentiment"]).all()
    assert (answers["sentiment"] <= answers["sentiment_high"]).all()
    assert loaded.metadata.get_output_schema().input_names() == list(answers.columns)
    assert len(answers) == COUNT


def test_a_server_in_an_environment_of_the_requirements_alone_answers_json(world: World, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("raise OSError('of somebody else')")
    python = bare_environment(tmp_path / "bare", requirements())
    words = ["models", "serve", "-m", "models:/haemsa-tiny@champion", "--env-manager", "local"]
    with mlflow_running(words, "/ping", tmp_path, {"MLFLOW_TRACKING_URI": world.uri}, python) as address:
        for hidden in (None, "audio"):
            status, found = ask(f"{address}/invocations", {"dataframe_records": rows(hidden)})
            assert status == 200, found
            check(pd.DataFrame(json.loads(found)["predictions"]), world.expected(hidden))
        first, *others = rows("audio")
        mixed = [first, *({name: cell for name, cell in row.items() if cell is not None} for row in others)]
        status, found = ask(f"{address}/invocations", {"dataframe_records": mixed})
        assert status == 200, found
        check(pd.DataFrame(json.loads(found)["predictions"]), world.expected("audio"))
        status, found = ask(f"{address}/invocations", {"dataframe_records": [{"text": [[1, 2]]}]})
        sentence = f"text of row 0 has a step of 2 numbers, expected {WIDTH} numbers in each step"
        assert (status, json.loads(found)) == (400, {"error_code": "INVALID_PARAMETER_VALUE", "message": sentence})


def test_loading_a_model_leaves_the_callers_address_and_environment_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", world.uri)
    mlflow.set_registry_uri("http://elsewhere:1")
    try:
        before = mlflow.get_tracking_uri(), mlflow.get_registry_uri(), dict(os.environ)
        assert load_model("models:/haemsa-tiny@champion").tasks == Predictor.load(world.saved).tasks
        assert (mlflow.get_tracking_uri(), mlflow.get_registry_uri(), dict(os.environ)) == before
    finally:
        mlflow.set_registry_uri("")

"""The commands on a small store, from search to predictions, and what they write."""

from __future__ import annotations

import itertools
import json
import socket
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import yaml

from haemsa.cluster.tracking import ui as ui_module
from haemsa.cluster.tracking.mlflow_sink import MlflowSink
from haemsa.model.data.dataset import Dataset
from haemsa.model.metrics import all_metrics
from haemsa.model.predictor.predictor import Predictor
from tests.support.cluster.haemsa_command import Ran, haemsa
from tests.support.cluster.mlflow_store import mlflow_store
from tests.support.cluster.search_fakes import started
from tests.support.cluster.tiny import SPACE, data, stored

pytestmark = pytest.mark.slow


class World:
    """A folder with a store, a search on it, and a model trained for good from what it found."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, stored(folder, "mine")
        self.run, self.model = folder / "runs" / "mine", folder / "models" / "mine"
        config = {"space": SPACE, "population": 4, "cohort": 2, "backend": "inline", "tracking": "off"}
        (folder / "search.yaml").write_text(yaml.safe_dump(config))
        options = ["--config", folder / "search.yaml", "--evaluations", 6, "--validation", "folds:2", "--run", self.run]
        self.searched = haemsa("search", "--data", self.store, *options, "--json", folder / "json" / "search.json")
        self.trained = haemsa(
            "train", self.run, "--data", self.store, "--seeds", 2, "--out", self.model, "--json", folder / "train.json"
        )

    def json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


def ended_well(ran: Ran) -> bool:
    assert ran.status == 0, ran.err
    assert "Traceback" not in ran.err
    return True


def test_search_shows_the_best_and_what_to_do_next(world: World) -> None:
    assert ended_well(world.searched)
    assert "mine: 6 evaluations, 0 failed" in world.searched.out
    assert "best: candidate" in world.searched.out
    assert f"haemsa train {world.run} --data {world.store} --seeds 5 --out models/mine" in world.searched.out


def test_search_and_train_say_if_a_plain_model_is_better(world: World) -> None:
    plain = world.json("json/search.json")["plain"]
    better = min(plain["scores"].values()) < plain["own"]
    assert ("is better than the best network: its sentiment/mae is" in " ".join(world.searched.out.split())) == better
    held_out = json.loads((world.model / "metrics.json").read_text())["held_out"]["plain"]
    better = min(held_out["scores"].values()) < held_out["own"]
    assert ("is better than this model: its sentiment/mae is" in " ".join(world.trained.out.split())) == better


def test_search_says_on_the_way_what_scores_a_genome_and_how_far_it_is(world: World) -> None:
    assert "scored by cross-validation over 2 folds of about 80 samples" in world.searched.err
    assert f"run directory: {world.run}" in world.searched.err
    assert "6/6 · " in world.searched.err


def test_the_json_of_a_search_is_its_summary(world: World) -> None:
    found = world.json("json/search.json")
    assert found == json.loads((world.run / "summary.json").read_text())
    assert {"evaluations", "failures", "wall_seconds", "worker_busy_fraction", "hypervolume", "seed"} <= set(found)
    assert {"id", "genome", "scores"} <= set(found["best"])
    assert found["best"]["id"] in [item["id"] for item in found["front"]]


def test_a_search_that_has_ended_is_resumed_without_doing_anything(world: World) -> None:
    before = (world.run / "summary.json").read_bytes()
    again = haemsa("search", "--resume", world.run)
    assert ended_well(again)
    assert "has ended: 6 evaluations" in again.err
    assert (world.run / "summary.json").read_bytes() == before


def test_options_go_before_the_configuration_file(world: World) -> None:
    config = yaml.safe_load((world.run / "config.yaml").read_text())
    assert (config["evaluations"], config["population"], config["validation"]) == (6, 4, "folds:2")
    assert config["space"] == SPACE


def test_train_prints_and_writes_mean_deviation_and_values_of_every_metric(world: World) -> None:
    assert ended_well(world.trained)
    found = world.json("train.json")
    models = found["models"]
    assert list(models) == ["model", "each seed", "linear model", "constant"]
    assert {"sentiment/mae", "sentiment/acc7", "emotion/uar"} <= set(models["model"])
    for cell in models["each seed"].values():
        assert cell["mean"] == pytest.approx(np.mean(cell["values"]))
        assert cell["std"] == pytest.approx(np.std(cell["values"], ddof=1))
        assert len(cell["values"]) == 2
    low, high = models["model"]["sentiment/mae"]["interval"]
    assert low < models["model"]["sentiment/mae"]["mean"] < high
    assert f"{low:.4f} to {high:.4f}" in world.trained.out
    mae = models["each seed"]["sentiment/mae"]
    assert f"{mae['mean']:.4f} ± {mae['std']:.4f}" in world.trained.out
    assert f"saved in {world.model}" in world.trained.out.replace("\n", "")


def test_train_follows_the_protocol_of_the_search_and_says_so(world: World) -> None:
    line = "trained on the training and validation splits together, as the search scored by folds:2"
    assert line in world.trained.out
    assert world.json("train.json")["protocol"] == line
    assert json.loads((world.model / "metrics.json").read_text())["protocol"] == line


def test_train_takes_a_genome_from_a_file(world: World, tmp_path: Path) -> None:
    options = ["--seeds", 1, "--out", tmp_path / "one", "--tracking", "off"]
    ran = haemsa("train", world.run / "best" / "genome.json", "--data", world.store, *options)
    assert ended_well(ran)
    assert "trained on the training split, as the search did (holdout)" in ran.out
    assert len(Predictor.load(tmp_path / "one").members) == 1


def test_train_all_takes_the_validation_split_too(world: World, tmp_path: Path) -> None:
    genome, out = world.run / "best" / "genome.json", tmp_path / "all"
    ran = haemsa("train", genome, "--data", world.store, "--seeds", 1, "--all", "--out", out, "--backend", "inline")
    assert ended_well(ran)
    assert "trained on the training and validation splits together, as was asked" in ran.out


def test_final_training_uses_other_seeds_than_the_search(world: World) -> None:
    from haemsa.cluster.final_model.recipe import final_seed
    from haemsa.cluster.workers.cohort_trainer import row_seed
    from haemsa.model.seeds import SeedPurpose

    seeds = Predictor.load(world.model).info["seeds"]
    assert seeds == [final_seed(0, 0), final_seed(0, 1)]
    keys = itertools.product((SeedPurpose.SEARCH, SeedPurpose.CONFIRMATION), range(6), range(2))
    assert not set(seeds) & {row_seed(0, *key) for key in keys}


def test_predictions_reproduce_the_figures_of_training(world: World) -> None:
    out = world.folder / "deep" / "predictions.csv"
    ran = haemsa("predict", world.model, "--data", world.store, "--split", "test", "--out", out)
    assert ended_well(ran)
    assert "40 predictions of 2 networks" in ran.out
    table = pd.read_csv(out)
    assert set(table["split"]) == {"test"}
    part: Dataset = data().part("test")
    assert list(table["id"]) == list(part.ids)
    labels = part.tasks["emotion"].labels
    models = world.json("train.json")["models"]
    for k in range(2):
        shares = np.stack([(table[f"emotion_{k}"] == label).to_numpy(dtype=float) for label in labels], 1)
        found = all_metrics(part.tasks, {"sentiment": table[f"sentiment_{k}"].to_numpy(), "emotion": shares})
        for name, value in found.items():
            assert value == pytest.approx(models["each seed"][name]["values"][k], abs=1e-6), name
    shares = table[[f"emotion/{label}" for label in labels]].to_numpy()
    found = all_metrics(part.tasks, {"sentiment": table["sentiment"].to_numpy(), "emotion": shares})
    assert found == {name: pytest.approx(cell["mean"], abs=1e-6) for name, cell in models["model"].items()}


def test_predictions_come_with_intervals_that_evaluate_says_how_far_to_trust(world: World, tmp_path: Path) -> None:
    out, file = tmp_path / "predictions.csv", tmp_path / "found.json"
    ran = haemsa("predict", world.model, "--data", world.store, "--split", "test", "--out", out)
    assert ended_well(ran)
    assert "calibrated by cross-validation over training and validation samples (10 more networks)" in ran.out
    table, task = pd.read_csv(out), data().part("test").tasks["sentiment"]
    assert (table["sentiment_low"] <= table["sentiment"].clip(-3, 3)).all()
    assert (table["sentiment"].clip(-3, 3) <= table["sentiment_high"]).all()
    assert table["sentiment_low"].min() >= -3
    ran = haemsa("evaluate", world.model, "--data", world.store, "--json", file)
    assert ended_well(ran)
    found = json.loads(file.read_text())["reliability"]["text+audio+vision"]
    held = (table["sentiment_low"] <= task.targets + 1e-6) & (task.targets - 1e-6 <= table["sentiment_high"])
    assert found["sentiment/coverage"] == pytest.approx(held.mean())
    assert found["sentiment/coverage"] > 0.7
    assert 0 <= found["emotion/ece"] < 0.5
    assert f"sentiment: share of labels in their 90 % intervals {held.mean():.3f}" in ran.out


def test_all_samples_are_predicted_unless_a_split_is_asked_for(world: World, tmp_path: Path) -> None:
    assert ended_well(haemsa("predict", world.run, "--data", world.store, "--out", tmp_path / "all.csv"))
    table = pd.read_csv(tmp_path / "all.csv")
    assert dict(table["split"].value_counts()) == {"train": 120, "valid": 40, "test": 40}
    members = table[["sentiment_0", "sentiment_1"]].to_numpy()
    inside = (np.abs(members) < 3).all(axis=1)  # the spread is that of the outputs before they are clipped
    np.testing.assert_allclose(table["sentiment_std"][inside], members[inside].std(1, ddof=1), atol=1e-6)
    assert inside.sum() > 100


def test_evaluate_gives_the_figures_of_training_again(world: World, tmp_path: Path) -> None:
    ran = haemsa("evaluate", world.model, "--data", world.store, "--json", tmp_path / "found.json")
    assert ended_well(ran)
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["split"] == "test"
    assert found["subsets"] == {"text+audio+vision": world.json("train.json")["models"]}


def test_evaluate_missing_prints_subsets_and_rates_of_missing_modalities(world: World, tmp_path: Path) -> None:
    ran = haemsa("evaluate", world.model, "--data", world.store, "--missing", "--json", tmp_path / "found.json")
    assert ended_well(ran)
    names = ["text+audio+vision", "text+audio", "text+vision", "audio+vision", "text", "audio", "vision"]
    names += [f"{percent}% missing" for percent in range(10, 80, 10)]
    found = json.loads((tmp_path / "found.json").read_text())["subsets"]
    assert list(found) == names
    rows = [line.split("│")[1].strip() for line in ran.out.splitlines() if line.startswith("│")]
    assert rows == [*found[names[0]]["model"], *names, "a constant"]  # a table of metrics, then one of subsets
    assert len({found[name]["model"]["sentiment/mae"]["mean"] for name in names}) > 1


def test_a_model_and_a_run_know_their_data(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for place in (world.model, world.run):
        ran = haemsa("evaluate", place)
        assert ended_well(ran)
        assert f"data: {world.store}; test split:" in ran.out
    ran = haemsa("train", world.run, "--seeds", 1)
    assert ended_well(ran)
    assert f"data: {world.store}, as in the search" in ran.out
    assert "saved in models/mine" in ran.out


def test_train_keeps_the_model_of_another_genome_unless_it_is_forced(world: World, tmp_path: Path) -> None:
    before = (world.model / "model.json").read_bytes()
    ran = haemsa("train", world.run, "--all", "--seeds", 1, "--out", world.model)
    assert ran.sentence == f"folder {world.model} holds another model, expected a new folder, or --force to replace it"
    assert (world.model / "model.json").read_bytes() == before


def test_evaluate_takes_another_split_and_a_runs_own_best(world: World, tmp_path: Path) -> None:
    ran = haemsa("evaluate", world.run, "--data", world.store, "--split", "valid", "--json", tmp_path / "found.json")
    assert ended_well(ran)
    assert json.loads((tmp_path / "found.json").read_text())["split"] == "valid"


def test_a_model_is_scored_on_data_with_more_modalities_and_tasks_than_it_knows(world: World, tmp_path: Path) -> None:
    import dataclasses

    one_task = {"sentiment": data().tasks["sentiment"]}
    fewer = {name: data().modalities[name] for name in ("text", "audio")}
    store = stored(tmp_path, "less", dataclasses.replace(data(), tasks=one_task, modalities=fewer))
    config = ["--config", world.folder / "search.yaml", "--evaluations", 2, "--run", tmp_path / "run"]
    assert ended_well(haemsa("search", "--data", store, *config))
    ran = haemsa("evaluate", tmp_path / "run", "--data", world.store, "--json", tmp_path / "found.json")
    assert ended_well(ran)
    found = json.loads((tmp_path / "found.json").read_text())["subsets"]
    assert list(found) == ["text+audio"]
    assert {"mae", "acc7"} <= set(found["text+audio"]["model"])


def test_show_prints_the_search(world: World) -> None:
    ran = haemsa("show", world.run)
    assert ended_well(ran)
    for words in ("mine: 6 evaluations", "best: candidate", "Front:", "Generations"):
        assert words in ran.out


def test_the_default_configuration_is_one_that_search_takes(world: World, tmp_path: Path) -> None:
    ran = haemsa("config")
    assert ended_well(ran)
    (tmp_path / "all.yaml").write_text(ran.out)
    options = ["--data", world.store, "--evaluations", 1, "--backend", "inline", "--tracking", "off", "--cohort", 2]
    assert ended_well(haemsa("search", "--config", tmp_path / "all.yaml", *options, "--run", tmp_path / "run"))


def test_data_info_tells_what_was_read(world: World, tmp_path: Path) -> None:
    ran = haemsa("data", "info", world.store, "--json", tmp_path / "info.json")
    assert ended_well(ran)
    assert f"mine: 200 samples (train 120, valid 40, test 40) in {len(set(data().groups))} groups" in " ".join(
        ran.out.split()
    )
    found = json.loads((tmp_path / "info.json").read_text())
    assert found["fingerprint"] == data().fingerprint
    assert found["modalities"]["text"] == {
        "steps": 20,
        "features": 64,
        "mean_length": pytest.approx(14, abs=7),
        "absent": 0,
    }
    assert found["tasks"]["emotion"]["labels"] == list(data().tasks["emotion"].labels)
    assert found["tasks"]["sentiment"]["bounds"] == [-3.0, 3.0]


class Server:
    """What MLflow's server would be started as; it ends at once."""

    commands: ClassVar[list[list[str]]] = []

    def __init__(self, command: list[str], **_: object) -> None:
        self.commands.append(command)

    def wait(self) -> int:
        return 0


def test_ui_serves_mlflows_page_on_loopback_and_links_every_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ui_module.subprocess, "Popen", Server)
    store = mlflow_store(tmp_path)
    MlflowSink(store, started()).send(started())
    ran = haemsa("ui", "--port", 5123, "--tracking", store)
    assert ended_well(ran)
    (command,) = Server.commands
    assert command[:4] == [sys.executable, "-m", "mlflow", "ui"]
    options = dict(zip(command[4::2], command[5::2], strict=True))
    assert options == {"--backend-store-uri": store, "--host": "127.0.0.1", "--port": "5123"}
    assert "toydata: http://127.0.0.1:5123/#/experiments/1?workflowType=machine_learning" in ran.out


@pytest.mark.parametrize("port", [99999, -1])
def test_ui_refuses_a_port_that_is_none(port: int) -> None:
    ran = haemsa("ui", "--port", port, "--tracking", "sqlite:///my.db")
    assert (ran.status, ran.out) == (2, "")
    assert f"port {port} cannot be used" in ran.err


def test_ui_refuses_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = haemsa("ui", "--port", port, "--tracking", "sqlite:///my.db")
    assert ran.status == 2
    assert f"port {port} cannot be used: Address already in use" in ran.err


def test_ui_only_names_a_server_that_runs_elsewhere() -> None:
    ran = haemsa("ui", "--tracking", "http://tracker:5000")
    assert (ran.status, ran.out.strip()) == (0, "MLflow's page is at http://tracker:5000")

"""The view in MLflow, against a store on disk: one search of two generations, and models registered from it."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from haemsa.cluster.tracking.client import store_uri
from haemsa.cluster.tracking.mlflow_sink import MlflowSink
from haemsa.cluster.tracking.records import GenerationEnded, ModelTrained, SearchEnded, shows
from tests.support.cluster.mlflow_store import mlflow_store
from tests.support.cluster.saved_model import saved_model
from tests.support.cluster.search_fakes import generation, genome, started

pytestmark = pytest.mark.slow


class World:
    """A store, the sink that wrote to it, and the addresses of the models."""

    def __init__(self, folder: Path) -> None:
        self.uri = mlflow_store(folder)
        self.folder = folder
        self.records = [started(), generation(0), generation(1)]
        self.records.append(SearchEnded({"evaluations": 32, "hypervolume": 0.5}, genome(3).to_json()))
        self.sink = MlflowSink(self.uri, started())
        for record in self.records:
            self.sink.send(record)
        self.run_id = self.sink.run_id
        saved = saved_model(folder)
        good = ModelTrained("toy", saved, "aaaa", "mae", "min", 0.9, genome(2).to_json(), "toydata", {"mae": 0.95})
        scores = {"first": good, "worse": dataclasses.replace(good, score=0.91)}
        scores["better"] = dataclasses.replace(good, score=0.8)
        scores["other data"] = dataclasses.replace(good, score=0.1, fingerprint="bbbb")
        scores["no number"] = dataclasses.replace(good, score=float("nan"))
        self.addresses = {what: self.sink.send(record) for what, record in scores.items()}
        self.again = {what: MlflowSink(self.uri, started()).send(record) for what, record in scores.items()}

    @property
    def client(self) -> Any:
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def children(self) -> list[Any]:
        parent = self.client.get_run(self.run_id)
        query = f"tags.mlflow.parentRunId = '{self.run_id}' AND tags.`haemsa.kind` = 'generation'"
        found = self.client.search_runs([parent.info.experiment_id], query)
        return sorted(found, key=lambda run: run.info.run_name)

    def artifacts(self, run_id: str) -> Path:
        return Path(self.client.get_run(run_id).info.artifact_uri.removeprefix("file://"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    pytest.importorskip("mlflow")
    yield World(tmp_path_factory.mktemp("mlflow"))


def test_a_search_is_one_run_in_the_experiment_of_its_data(world: World) -> None:
    run = world.client.get_run(world.run_id)
    assert world.client.get_experiment(run.info.experiment_id).name == "toydata"
    assert (run.info.run_name, run.info.status) == ("toy: search of 48", "FINISHED")
    assert run.data.params["evaluations"] == "48"
    assert run.data.params["space"].endswith("...")
    files = {path.name for path in world.artifacts(world.run_id).iterdir()}
    assert files == {"config.yaml", "manifest.json", "summary.json", "best_genome.json", "front.csv", "front.png"}


def test_the_run_names_its_data_and_its_cluster(world: World) -> None:
    run = world.client.get_run(world.run_id)
    (given,) = run.inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.digest) == ("toydata", "0123456789abcdef")
    assert json.loads(given.dataset.source) == {"uri": "/data/toy.h5"}
    assert json.loads(given.dataset.schema)["mlflow_colspec"] == [
        {"name": "text", "type": "float32 [50, 300]"},
        {"name": "audio", "type": "float32 [1, 74]"},
        {"name": "sentiment", "type": "regression in [-3, 3]"},
    ]
    assert json.loads(given.dataset.profile) == {"num_rows": 200, "train": 120, "valid": 40, "test": 40}
    assert {tag.key: tag.value for tag in given.tags} == {"mlflow.data.context": "search"}
    tags = {name: run.data.tags[f"haemsa.{name}"] for name in ("backend", "workers", "nodes", "cpus")}
    assert tags == {"backend": "ray", "workers": "4", "nodes": "2", "cpus": "4"}


def test_the_run_names_what_the_search_started_from(world: World) -> None:
    found = {"runs/a": "3 genomes", "b.json": "1 genome"}
    search = dataclasses.replace(started(name="warm", identity="warm"), manifest={"start": found})
    sink = MlflowSink(world.uri, search)
    sink.send(search)
    assert world.client.get_run(sink.run_id).data.tags["haemsa.start"] == "runs/a, b.json"


def test_the_run_has_curves_over_generations(world: World) -> None:
    history = world.client.get_metric_history(world.run_id, "hypervolume")
    assert [(metric.step, metric.value) for metric in history] == [(0, 0.4), (1, 0.5)]
    names = {"hypervolume", "best/mae", "best/params", "front_size", "evaluations", "failures", "busy_fraction"}
    assert set(world.client.get_run(world.run_id).data.metrics) == names


def test_every_generation_is_a_child_with_table_front_picture_and_genomes(world: World) -> None:
    children = world.children()
    assert [run.info.run_name for run in children] == ["toy: generation 000", "toy: generation 001"]
    folder = world.artifacts(children[1].info.run_id)
    table = json.loads((folder / "population.json").read_text())
    assert table["columns"][:6] == ["id", "mae", "standard_error/mae", "params", "on_front", "rung"]
    assert len(table["data"]) == 16
    assert json.loads(children[1].data.tags["mlflow.loggedArtifacts"]) == [{"path": "population.json", "type": "table"}]
    assert len(pd.read_csv(folder / "front.csv")) == len(generation(1).front)
    assert (folder / "front.png").read_bytes().startswith(b"\x89PNG")
    lines = [json.loads(line) for line in (folder / "genomes.jsonl").read_text().splitlines()]
    assert {item["id"] for item in lines} == set(range(16, 32))


def test_of_many_generations_one_in_ten_is_a_run_and_all_have_metrics(world: World) -> None:
    assert [number for number in range(48, 75) if shows(number)] == [48, 49, 50, 60, 70]
    assert sum(map(shows, range(1, 314))) == 76
    search = started(name="long", identity="long")
    sink = MlflowSink(world.uri, search)
    for record in (search, *(GenerationEnded(n, metrics={"hypervolume": n}, at=n) for n in (101, 102))):
        sink.send(record)
    assert world.client.search_runs([sink._experiment], f"tags.mlflow.parentRunId = '{sink.run_id}'") == []
    history = world.client.get_metric_history(sink.run_id, "hypervolume")
    assert [metric.step for metric in history] == [101, 102]


def test_pictures_of_the_whole_search_come_with_its_end(world: World, tmp_path: Path) -> None:
    search = started(name="drawn", identity="drawn")
    (tmp_path / "hypervolume.png").write_bytes(b"a curve")
    sink = MlflowSink(world.uri, search)
    sink.send(search)
    sink.send(SearchEnded({}, pictures=tmp_path))
    assert (world.artifacts(sink.run_id) / "hypervolume.png").read_bytes() == b"a curve"


def test_the_champion_moves_only_to_a_better_score_on_the_same_data(world: World) -> None:
    assert world.addresses == {
        "first": "models:/haemsa-toy@champion",
        "worse": "models:/haemsa-toy/2",
        "better": "models:/haemsa-toy@champion",
        "other data": "models:/haemsa-toy/4",
        "no number": "models:/haemsa-toy/5",
    }
    champion = world.client.get_model_version_by_alias("haemsa-toy", "champion")
    assert (champion.version, champion.tags["score"], champion.tags["fingerprint"]) in {
        ("3", "0.8", "aaaa"),
        (3, "0.8", "aaaa"),
    }


def test_nothing_is_pickled_and_requirements_have_no_local_versions(world: World) -> None:
    saved = next(iter((world.folder / "mlartifacts" / "toydata" / "models").iterdir())) / "artifacts"
    names = {path.name for path in saved.rglob("*")}
    assert {"genome.json", "served.py", "predictor.py", "input_example.json"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pyc"))]
    assert "+" not in (saved / "requirements.txt").read_text()


def test_records_that_are_sent_again_are_there_once(world: World) -> None:
    def seen() -> tuple[Any, ...]:
        history = world.client.get_metric_history(world.run_id, "hypervolume")
        runs = world.client.search_runs([world.client.get_run(world.run_id).info.experiment_id])
        return len(history), sorted(run.info.run_id for run in runs), len(world.client.search_model_versions())

    before, again = seen(), MlflowSink(world.uri, started())
    for record in world.records:
        again.send(record)
    assert again.run_id == world.run_id
    assert seen() == before
    assert world.again["better"] == world.addresses["better"]
    assert world.again["worse"] == world.addresses["worse"]


@pytest.mark.parametrize("step", ["log_batch", "log_artifacts", "set_tag", "set_terminated"])
def test_what_was_half_sent_is_sent_anew(world: World, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    from mlflow import MlflowClient

    search = started(name="torn", identity=f"torn {step}")
    real, calls = getattr(MlflowClient, step), itertools.count()

    def fails_once(*given: Any, **named: Any) -> Any:
        if next(calls) == 0:
            raise ConnectionError("gone")
        return real(*given, **named)

    monkeypatch.setattr(MlflowClient, step, fails_once)
    records = [search, generation(0), SearchEnded({"evaluations": 16})]
    failed = 0
    for record in records:
        try:
            MlflowSink(world.uri, search).send(record)
        except ConnectionError:
            failed += 1
            sink = MlflowSink(world.uri, search)
            sink.send(record)
    assert failed == 1
    runs = world.client.search_runs([sink._experiment], f"tags.`haemsa.search` = '{search.id}'")
    assert [run.info.status for run in runs] == ["FINISHED"]
    children = world.client.search_runs([sink._experiment], f"tags.mlflow.parentRunId = '{sink.run_id}'")
    assert [run.info.status for run in children] == ["FINISHED"]


def test_a_generation_that_was_cut_short_is_replaced_when_it_is_complete(world: World) -> None:
    search = started(name="cut", identity="cut")
    sink = MlflowSink(world.uri, search)
    for record in (search, generation(0, size=4), dataclasses.replace(generation(0), at=2e9)):
        sink.send(record)
    (child,) = world.client.search_runs([sink._experiment], f"tags.mlflow.parentRunId = '{sink.run_id}'")
    assert len(json.loads((world.artifacts(child.info.run_id) / "population.json").read_text())["data"]) == 16


def test_a_search_that_is_resumed_goes_on_in_its_run(world: World) -> None:
    search = started(name="resumed", identity="resumed")
    sink = MlflowSink(world.uri, search)
    sink.send(search)
    sink.send(SearchEnded({}, status="stopped"))
    assert world.client.get_run(sink.run_id).info.status == "KILLED"
    again = MlflowSink(world.uri, search)
    again.send(search)
    assert again.run_id == sink.run_id
    assert world.client.get_run(sink.run_id).info.status == "RUNNING"


def test_a_deleted_experiment_is_used_again(world: World) -> None:
    first = started(data_name="gone", identity="first")
    MlflowSink(world.uri, first).send(first)
    experiment = world.client.get_experiment_by_name("gone").experiment_id
    world.client.delete_experiment(experiment)
    second = started(data_name="gone", identity="second")
    sink = MlflowSink(world.uri, second)
    sink.send(second)
    assert world.client.get_run(sink.run_id).info.experiment_id == experiment


def test_the_store_is_the_one_given_else_the_environments_else_a_database_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://there")
    assert store_uri("http://here") == "http://here"
    assert store_uri(None) == "http://there"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.chdir(tmp_path)
    assert store_uri(None) == f"sqlite:///{tmp_path.resolve()}/mlflow.db"

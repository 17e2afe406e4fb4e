"""The networks of a search in MLflow, against a store on disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from haemsa.cluster.run_directory.networks import network_rows
from haemsa.cluster.run_directory.rows import JournalRow
from haemsa.cluster.tracking.fetch import fetch_genome
from haemsa.cluster.tracking.genome_sources import genomes_at
from haemsa.cluster.tracking.mlflow_sink import MlflowSink
from haemsa.cluster.tracking.records import SearchEnded
from haemsa.evo.candidate import Score
from haemsa.model.spec.genome import Genome
from tests.support.cluster.mlflow_store import mlflow_store
from tests.support.cluster.search_fakes import genome, scores, started

pytestmark = pytest.mark.slow


def networks(*numbers: int, confirmed: tuple[int, ...] = ()) -> list[dict[str, Any]]:
    """Rows of these candidates; the first is on the front."""
    rows = [
        JournalRow(
            number, genome(number).to_json(), genome(number).key, (number - 1,), 2, "done", 3, (scores(number),), None,
            1.5, "a", 1e9, 1e9 + 2, confirmed={"mae": Score(0.5, 0.25, 5)} if number in confirmed else None,
        )
        for number in numbers
    ]  # fmt: skip
    return network_rows(rows, numbers[:1], numbers)


class World:
    """A store, and a search whose networks it has."""

    def __init__(self, folder: Path) -> None:
        self.uri = mlflow_store(folder)
        self.search = started()
        self.rows = networks(3, 4, 5, confirmed=(3,))
        self.sink = MlflowSink(self.uri, self.search)
        self.send(self.rows)

    def send(self, rows: list[dict[str, Any]]) -> None:
        for record in (self.search, SearchEnded({"evaluations": 16}, networks=rows, at=1e9 + 9)):
            self.sink.send(record)

    @property
    def client(self) -> Any:
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri)

    def found(self, query: str = "") -> dict[str, Any]:
        """Models that a query finds, by the id of the network."""
        models = self.client.search_logged_models([self.sink._experiment], query or None)
        return {model.name.rpartition("-")[2]: model for model in models}

    def runs(self) -> list[Any]:
        """In the order of the view of networks."""
        query = f"tags.mlflow.parentRunId = '{self.sink.run_id}' AND tags.`haemsa.kind` = 'network'"
        return list(self.client.search_runs([self.sink._experiment], query, order_by=["metrics.`place` ASC"]))

    def places(self) -> list[str]:
        """The numbers of the networks, in the same order."""
        return [run.info.run_name.rpartition(" ")[2] for run in self.runs()]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("networks"))


def test_networks_are_found_by_genes_and_scores(world: World) -> None:
    assert set(world.found()) == {"3", "4", "5"}
    assert set(world.found("params.levels = '2' AND metrics.mae < 0.7")) == {"3"}
    assert set(world.found("params.levels = '1'")) == {"4"}
    assert set(world.found("metrics.mae >= 0.7 AND tags.rung = '2'")) == {"4", "5"}
    assert set(world.found("tags.on_front = 'yes' AND tags.confirmed = 'yes'")) == {"3"}
    assert set(world.found("metrics.`valid/sentiment/mae` = 0.5")) == {"3"}


def test_a_network_is_a_run_with_genes_scores_and_data_whose_output_is_a_model(world: World) -> None:
    (run,) = [item for item in world.runs() if item.info.run_name == "toy: network 3"]
    metrics = run.data.metrics
    assert (metrics["mae"], metrics["valid/sentiment/mae"]) == (0.5, 0.5)
    assert (metrics["standard_error/mae"], metrics["standard_error/valid/sentiment/mae"]) == (0.25, 0.25)
    assert not any(name.endswith("_error") for name in metrics)
    assert (metrics["search/mae"], metrics["train_seconds"]) == (scores(3)["mae"].mean, 1.5)
    params = run.data.params
    assert (params["modalities"], params["levels"], params["experts"]) == ("text", "2", "2 low_rank, 2 mlp")
    assert (params["epochs"], params["expert_count"], params["loss"]) == ("9", "4", "huber")
    assert (run.info.status, run.info.end_time - run.info.start_time) == ("FINISHED", 2000)
    tags = {name: run.data.tags[name] for name in ("rung", "generation", "parents", "on_front", "confirmed")}
    assert tags == {"rung": "2", "generation": "3", "parents": "2", "on_front": "yes", "confirmed": "yes"}
    model = world.found()["3"]
    assert model.tags["mlflow.note.content"] == run.data.tags["mlflow.note.content"]
    assert model.tags["mlflow.note.content"].endswith(f"`haemsa train runs:/{run.info.run_id}`")
    assert (model.source_run_id, str(model.status), model.model_type) == (run.info.run_id, "READY", "network")
    (score,) = [metric for metric in model.metrics if metric.key == "mae"]
    assert (score.value, score.dataset_name, score.dataset_digest) == (0.5, "toydata", "0123456789abcdef")


def test_the_genome_of_a_network_can_be_trained(world: World) -> None:
    model = world.found()["5"]
    for address in (f"runs:/{model.source_run_id}", f"models:/{model.model_id}"):
        assert Genome.from_json(fetch_genome(address, world.uri)) == genome(5)
        assert genomes_at(address, world.uri) == [genome(5)]


def test_what_was_sent_is_there_once_and_what_changed_is_replaced(world: World, tmp_path: Path) -> None:
    own = World(tmp_path)
    before = {item.info.run_id for item in own.runs()}
    own.send(own.rows)
    assert {item.info.run_id for item in own.runs()} == before
    own.send(networks(4, 5, 6))  # 3 is no longer among them, and 4 is on the front now
    assert {item.info.run_name for item in own.runs()} == {f"toy: network {number}" for number in (4, 5, 6)}
    assert set(own.found()) == {"4", "5", "6"}
    assert len(before & {item.info.run_id for item in own.runs()}) == 1


def test_networks_stand_by_how_surely_they_were_scored_and_then_by_score(tmp_path: Path) -> None:
    own = World(tmp_path)
    assert own.places() == ["3", "4", "5"]  # 3 is confirmed, and 4 has a better score than 5
    own.rows[1]["rung"] = 1  # 5 is of rung 2
    own.send(own.rows)
    assert own.places() == ["3", "5", "4"]
    own.send(own.rows[1:])
    assert own.places() == ["5", "4"]
    assert [run.data.metrics["place"] for run in own.runs()] == [1, 2]


def test_networks_of_an_older_version_are_sent_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("haemsa.cluster.tracking.runs.networks.PLACE", "unplaced")
        own = World(tmp_path)
    own.send(own.rows)
    assert own.places() == ["3", "4", "5"]
    assert [run.data.metrics["place"] for run in own.runs()] == [1, 2, 3]


@pytest.mark.parametrize("step", ["create_logged_model", "log_batch", "finalize_logged_model", "set_terminated"])
def test_a_network_that_was_half_sent_is_sent_anew(world: World, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    from mlflow import MlflowClient

    search = replace(started(), id=f"torn at {step}")
    sink, record = MlflowSink(world.uri, search), SearchEnded({"evaluations": 16}, networks=networks(7, 8))
    sink.send(search)
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, step, _fails)
        with pytest.raises(ConnectionError):
            sink.send(record)
    MlflowSink(world.uri, search).send(record)
    query = f"tags.mlflow.parentRunId = '{sink.run_id}' AND tags.`haemsa.kind` = 'network'"
    runs = world.client.search_runs([sink._experiment], query)
    assert sorted((item.info.run_name, item.info.status) for item in runs) == [
        ("toy: network 7", "FINISHED"), ("toy: network 8", "FINISHED"),
    ]  # fmt: skip
    models = world.client.search_logged_models([sink._experiment], f"tags.search = '{search.id}'")
    assert sorted((model.name, str(model.status)) for model in models) == [
        ("toy-network-7", "READY"), ("toy-network-8", "READY"),
    ]  # fmt: skip


def _fails(*_: Any, **__: Any) -> Any:
    raise ConnectionError("gone")


def test_the_page_of_the_search_leads_to_its_networks(world: World) -> None:
    two = networks(3, 4)
    two[1]["on_front"] = True
    search = replace(started(), id="linked")
    sink = MlflowSink(world.uri, search)
    for record in (search, SearchEnded({"evaluations": 16}, networks=two)):
        sink.send(record)
    note = world.client.get_run(sink.run_id).data.tags["mlflow.note.content"]
    assert "[networks of the front compared](#/compare-runs?runs=%5B%22" in note
    tags = world.client.get_experiment(sink._experiment).tags
    view = json.loads(tags["mlflow.sharedViewState.haemsa-networks"])
    assert view["searchFilter"] == "tags.`haemsa.kind` = 'network'"
    assert (view["orderByKey"], view["orderByAsc"]) == ("metrics.`place`", True)
    assert view["selectedColumns"] == view["columnOrder"]
    assert view["columnOrder"][:6] == [
        "metrics.`place`", "tags.`confirmed`", "tags.`rung`",
        "metrics.`mae`", "metrics.`standard_error/mae`", "metrics.`params`",
    ]  # fmt: skip
    assert "params.`levels`" in view["columnOrder"]
    assert view["columnWidths"]["metrics.`standard_error/mae`"] > view["columnWidths"]["tags.`rung`"] >= 70

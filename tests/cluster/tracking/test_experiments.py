"""Which experiment of MLflow a search goes to, and what its runs say of where they come from."""

from __future__ import annotations

import dataclasses
import getpass
from typing import Any

import pytest

from haemsa.cluster.tracking.client import experiment_asked_for
from haemsa.cluster.tracking.mlflow_sink import MlflowSink
from haemsa.cluster.tracking.records import SearchEnded
from tests.support.cluster.mlflow_store import mlflow_store
from tests.support.cluster.search_fakes import generation, started

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return mlflow_store(tmp_path_factory.mktemp("experiments"))


def client(store: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=store, registry_uri=store)


def experiment_of(store: str, **facts: Any) -> str:
    """The name of the experiment that a new search with these facts goes to."""
    search = dataclasses.replace(started(data_name="twins"), **facts)
    sink = MlflowSink(store, search)
    sink.send(search)
    return str(client(store).get_experiment(sink._experiment).name)


def test_data_sets_of_one_name_have_an_experiment_each_unless_one_is_named(store: str) -> None:
    assert experiment_of(store, id="a", fingerprint="aaaabbbbcccc") == "twins"
    assert experiment_of(store, id="b", fingerprint="aaaabbbbcccc") == "twins"
    assert experiment_of(store, id="c", fingerprint="ddddeeeeffff") == "twins (ddddeeee)"
    assert experiment_of(store, id="d", fingerprint="ddddeeeeffff") == "twins (ddddeeee)"
    named = {"experiment": "mine"}
    assert experiment_of(store, id="e", fingerprint="ddddeeeeffff", config=named) == "mine"
    assert experiment_of(store, id="f", fingerprint="aaaabbbbcccc", config=named) == "mine"


def test_a_search_that_an_older_version_recorded_goes_on_in_its_run(store: str) -> None:
    old = client(store).create_experiment("oldies")
    tags = {"haemsa.search": "old one", "haemsa.complete": "yes", "haemsa.fingerprint": "0000"}
    run = client(store).create_run(old, run_name="oldies", tags=tags).info.run_id
    search = dataclasses.replace(started(data_name="oldies", identity="old one"), config={"experiment": "elsewhere"})
    sink = MlflowSink(store, search)
    for record in (search, generation(0), SearchEnded({"evaluations": 16})):
        sink.send(record)
    assert (sink.run_id, sink._experiment) == (run, old)
    assert client(store).get_run(run).data.metrics["evaluations"] == 16
    assert experiment_of(store, id="new", data_name="oldies", fingerprint="1111") == "oldies"  # it names no data


def test_the_experiment_is_the_one_given_else_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    assert experiment_asked_for(None) is None
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "ours")
    assert (experiment_asked_for(None), experiment_asked_for("mine")) == ("ours", "mine")


def test_all_runs_say_who_made_them_with_what_and_what_they_are(store: str) -> None:
    search = dataclasses.replace(started(identity="made"), manifest={"commit": "c0ffee", "run": "/runs/toy-2"}, at=1e9)
    sink = MlflowSink(store, search)
    for record in (search, dataclasses.replace(generation(3), began=1e9, at=1e9 + 5), SearchEnded({}, at=1e9 + 9)):
        sink.send(record)
    (child,) = client(store).search_runs([sink._experiment], f"tags.mlflow.parentRunId = '{sink.run_id}'")
    parent = client(store).get_run(sink.run_id)
    for run, kind in ((parent, "search"), (child, "generation")):
        tags = {name: run.data.tags[f"mlflow.{name}"] for name in ("source.name", "source.type", "source.git.commit")}
        assert tags == {"source.name": "haemsa search", "source.type": "LOCAL", "source.git.commit": "c0ffee"}
        assert (run.info.user_id, run.data.tags["haemsa.kind"]) == (getpass.getuser(), kind)
    assert [run.info.run_name for run in (parent, child)] == ["toy-2: search of 48", "toy-2: generation 003"]
    assert [run.info.end_time - run.info.start_time for run in (parent, child)] == [9000, 5000]
    assert child.data.tags["haemsa.at"] == "2001-09-09T01:46:45.000Z"

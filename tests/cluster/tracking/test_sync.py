"""`haemsa sync`: what waits in a run directory goes to MLflow, once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.launch import resume_search
from haemsa.cluster.shared.progress import SilentProgress
from haemsa.cluster.tracking.outbox import Outbox
from haemsa.cluster.tracking.records import SearchEnded
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.mlflow_store import mlflow_store
from tests.support.cluster.search_fakes import generation, started
from tests.support.cluster.tiny import settings

pytestmark = pytest.mark.slow


class Notes(SilentProgress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def note(self, message: str) -> None:
        self.seen.append(message)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The run directory of a search whose records all wait."""
    path = tmp_path / "run"
    with RunDirectory.create(path, settings(tracking=mlflow_store(tmp_path)), {}) as directory:
        for record in (started(), generation(0), SearchEnded({"evaluations": 16})):
            Outbox.of(directory.path).put(record)
    return path


def test_what_waits_is_sent_once_to_the_store_of_the_search(run: Path, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    store = f"sqlite:///{tmp_path}/mlflow.db"
    ran = haemsa("sync", run)
    assert (ran.status, ran.out) == (0, f"sent 3 records to {store}\n"), ran.err
    again = haemsa("sync", run)
    assert (again.status, again.out) == (0, f"nothing waits: {store} has all of {run}\n")
    client = MlflowClient(tracking_uri=store, registry_uri=store)
    runs = client.search_runs([client.get_experiment_by_name("toydata").experiment_id])
    assert sorted(found.info.run_name for found in runs) == ["toy: generation 000", "toy: search of 48"]
    assert {found.info.status for found in runs} == {"FINISHED"}


OLD_RECORDS = (
    {
        "kind": "SearchStarted", "name": "old", "data_name": "olddata", "fingerprint": "134a22b79856992b",
        "config": {"data": "planted", "score": "folds:5", "limits": {}, "space": {"mixing": [0.0]}},
        "objectives": {"mae": "min", "params": "min"},
        "manifest": {"made": "2026-01-01T00:00:00Z", "data": "planted", "score": "folds:5", "id": "982e"}, "id": "982e",
        "dataset": {
            "name": "olddata", "fingerprint": "134a22b79856992b", "source": "planted", "modalities": {"text": [20, 64]},
            "tasks": {"sentiment": "regression in [-3, 3]"}, "splits": {"train": 1284, "valid": 229, "test": 686},
        },
        "cluster": {"backend": "inline", "workers": 1, "device": "cpu"},
    },
    {
        "kind": "GenerationEnded", "number": 1, "at": 1.0, "evaluated": [{"id": 1, "mae": 0.5, "params": 700.0}],
        "population": [{
            "id": 1, "generation": 1, "on_front": True, "rung": 0, "mae": 0.5, "params": 700.0, "parents": "",
            "genome": '{"format": 2}',
        }],
        "front": [{"id": 1, "mae": 0.5, "params": 700.0}],
        "metrics": {"evaluations": 1, "failures": 0, "best_mae": 0.5},
    },
    {
        "kind": "SearchEnded", "summary": {"name": "old", "score": "folds:5", "evaluations": 1}, "run_dir": "runs/old",
        "best_genome_json": None, "status": "finished", "pictures": None,
    },
)  # fmt: skip
"""What a version wrote that still called `validation` the score, and whose training had genes that have gone since."""


def test_records_of_an_older_version_are_sent_too(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    run, store = tmp_path / "run", f"sqlite:///{tmp_path}/mlflow.db"
    RunDirectory.create(run, settings(tracking=store), {"score": "folds:5"}).close()
    (run / "outbox").mkdir()
    for name, record in zip(("000001", "000002", "000003"), OLD_RECORDS, strict=True):
        (run / "outbox" / f"{name}.json").write_text(json.dumps(record))
    (run / "outbox" / "search.json").write_text(json.dumps(OLD_RECORDS[0]))
    ran = haemsa("sync", run)
    assert (ran.status, ran.out) == (0, f"sent 3 records to {store}\n"), ran.err
    client = MlflowClient(tracking_uri=store, registry_uri=store)
    (found,) = client.search_runs(
        [client.get_experiment_by_name("olddata").experiment_id], "tags.`haemsa.search` = '982e'"
    )
    assert found.data.params["score"] == "folds:5"
    assert found.data.metrics["best_mae"] == 0.5
    assert found.inputs.dataset_inputs[0].dataset.name == "olddata"


def test_resuming_a_search_that_has_ended_sends_what_waits(run: Path, tmp_path: Path) -> None:
    with RunDirectory.open(run) as directory:
        directory.write_summary({"ended_by": "evaluations", "evaluations": 16, "best": None})
    lines = Notes()
    assert resume_search(run, lines).summary["evaluations"] == 16
    assert lines.seen[-1] == f"sent 3 records to sqlite:///{tmp_path}/mlflow.db"


def test_a_store_that_does_not_take_them_leaves_them_there(run: Path) -> None:
    before = sorted((run / "outbox").iterdir())
    sentence = haemsa("sync", run, "--tracking", "nonsense://nowhere").sentence
    assert sentence.startswith("MLflow at nonsense://nowhere did not take record 1 of 3: ")
    assert sorted((run / "outbox").iterdir()) == before


def test_a_search_that_runs_sends_its_records_itself(run: Path) -> None:
    with RunDirectory.open(run):
        expected = f"run directory {run} is in use by another search that is still running"
        assert haemsa("sync", run).sentence == expected


def test_a_search_that_nobody_followed_has_nothing_to_send(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run", settings(), {}).close()
    expected = f"the search in {tmp_path}/run was not followed (tracking off), expected one whose records can wait"
    assert haemsa("sync", tmp_path / "run").sentence == expected

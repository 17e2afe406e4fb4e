"""A run knows where its data and its MLflow store are, wherever one stands and wherever all of them have moved."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from haemsa.cluster.final_model.recipe import read_recipe
from haemsa.cluster.run_directory.places import absolute_store, kept
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.launch import resume_search, run_search
from haemsa.cluster.tracking.client import store_to_keep
from haemsa.cluster.tracking.outbox import Outbox
from haemsa.cluster.tuning.tune import tune_config
from tests.support.cluster.mlflow_store import mlflow_store
from tests.support.cluster.tiny import settings, stored


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("sqlite:///mlflow.db", "sqlite:///{here}/mlflow.db"),
        ("sqlite+pysqlite:///a/../mlflow.db", "sqlite+pysqlite:///{here}/mlflow.db"),
        ("mlruns", "{here}/mlruns"),
        ("sqlite:////srv/mlflow.db", "sqlite:////srv/mlflow.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("file:///srv/mlruns", "file:///srv/mlruns"),
        ("databricks", "databricks"),
    ],
)
def test_a_store_in_a_file_is_named_by_its_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_store(given) == expected.format(here=tmp_path.resolve())


def test_a_run_keeps_the_store_of_the_environment_but_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracker:5000")
    assert [store_to_keep(given) for given in (None, "off", "http://other")] == [
        "http://tracker:5000",
        "off",
        "http://other",
    ]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql+psycopg2://me:secret@tracker/mlflow")
    assert store_to_keep(None) is None


def test_a_folder_with_the_name_of_built_in_data_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planted").mkdir()
    assert kept(settings(data="planted"), "off", None).data == "planted"
    assert kept(settings(data="tiny.h5"), "off", None).data == "tiny.h5"
    stored(tmp_path)
    assert kept(settings(data="tiny.h5"), "off", None).data == str(tmp_path / "tiny.h5")


def searched(folder: Path, monkeypatch: pytest.MonkeyPatch, **given: Any) -> Path:
    """The run directory of a search that was begun in `folder` with relative paths."""
    folder.mkdir(exist_ok=True)
    stored(folder)
    monkeypatch.chdir(folder)
    run_search(settings(data="tiny.h5", run="run", evaluations=6, **given))
    return folder / "run"


@pytest.mark.slow
def test_a_search_goes_on_from_another_folder_in_the_store_that_was_in_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    (tmp_path / "here").mkdir()
    mlflow_store(tmp_path / "here")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    run = searched(tmp_path / "here", monkeypatch, tracking=None)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    resume_search(Path("../here/run"), changes={"evaluations": 8})
    store, data = f"sqlite:///{tmp_path.resolve()}/here/mlflow.db", str(tmp_path.resolve() / "here" / "tiny.h5")
    assert read_recipe("../here/run").tracking == store
    tuned = tune_config("../here/run", "asha", {})
    assert (tuned.data, tuned.tracking) == (data, store)
    assert (Outbox.of(run).waiting(), list((tmp_path / "there").iterdir())) == ([], [])
    client = MlflowClient(tracking_uri=store)
    runs = client.search_runs([client.get_experiment_by_name("tiny").experiment_id], "tags.`haemsa.complete` = 'yes'")
    assert [(found.info.status, found.data.metrics["evaluations"]) for found in runs] == [("FINISHED", 8)]


def test_a_folder_that_is_moved_as_a_whole_finds_its_data_and_its_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = searched(tmp_path / "before", monkeypatch)
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("tracking: 'off'", f"tracking: sqlite:///{run.parent.resolve()}/m.db"))
    (run.parent / "m.db").touch()
    monkeypatch.chdir("/")
    now = tmp_path.resolve() / "after"
    shutil.move(tmp_path / "before", now)
    with RunDirectory.open(now / "run", read_only=True) as moved:
        assert moved.config().data == str(now / "tiny.h5")
        assert moved.config().tracking == f"sqlite:///{now}/m.db"
    shutil.move(now / "run", now.parent / "run")  # without its data: it is where it was
    with RunDirectory.open(now.parent / "run", read_only=True) as alone:
        assert alone.config().data == str(tmp_path.resolve() / "before" / "tiny.h5")


def test_an_old_run_keeps_its_relative_data(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run", settings(data="tiny.h5"), {}).close()
    with RunDirectory.open(tmp_path / "run", read_only=True) as run:
        assert run.config().data == "tiny.h5"

"""What a job of Ray's writes beside the code that was shipped would go with it: a search refuses to."""

from __future__ import annotations

from pathlib import Path

import pytest

from haemsa.cluster.search.launch import run_search
from haemsa.cluster.tracking.client import store_of
from haemsa.cluster.workers.ray_job import check_kept
from tests.support.cluster.tiny import settings


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that a job starts in."""
    folder = tmp_path / "session" / "runtime_resources" / "working_dir_files" / "_ray_pkg_0123"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return folder


def test_a_run_directory_beside_the_shipped_code_is_refused_before_anything_is_trained(shipped: Path) -> None:
    with pytest.raises(ValueError, match="run directory runs/planted lies in the folder that Ray shipped and removes"):
        run_search(settings())
    assert not list(shipped.iterdir())


def test_so_is_a_store_of_mlflow_there(shipped: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"store sqlite:////.*/mlflow.db lies in the folder .* or --tracking off"):
        check_kept(tmp_path / "run", store_of(None))


@pytest.mark.parametrize("tracking", ["off", "http://mlflow.example.org", "sqlite:////elsewhere/mlflow.db"])
def test_what_outlasts_the_job_is_not(shipped: Path, tmp_path: Path, tracking: str) -> None:
    check_kept(tmp_path / "run", store_of(tracking))


def test_outside_a_job_all_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_kept(Path("runs/planted"), store_of(None))

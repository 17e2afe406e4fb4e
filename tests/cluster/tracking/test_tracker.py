"""Trackers without MLflow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.tracking.tracker import NullTracker, tracker
from tests.support.cluster.tiny import settings


def test_off_means_no_tracker(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "run", settings(), {}) as run:
        assert isinstance(tracker("off", run), NullTracker)


@pytest.mark.parametrize(
    "module",
    [
        "haemsa.cluster.tracking.tracker",
        "haemsa.cluster.config",
        "haemsa.cluster.run_directory.run_directory",
        "haemsa.cluster.shared.progress",
    ],
)
def test_no_record_loads_mlflow_torch_or_pandas(module: str) -> None:
    check = (
        f"import sys, {module}; print([m for m in ('mlflow', 'torch', 'pandas', 'ray', 'rich') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"

"""A person's own model.py, cluster.py and evo.py next to their data have no effect on haemsa."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cluster.tiny import SPACE, stored

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of somebody's: data, settings, and modules that must not be imported."""
    path = tmp_path_factory.mktemp("project")
    for name in ("model", "cluster", "evo"):
        (path / f"{name}.py").write_text(f"raise ImportError('the {name}.py of somebody else')\n")
    settings = {"data": str(stored(path)), "evaluations": 4, "population": 4, "confirm": 0, "tracking": "off"}
    (path / "search.yaml").write_text(json.dumps({**settings, "workers": 1, "validation": "holdout", "space": SPACE}))
    return path


def run(folder: Path, *command: str) -> str:
    """Run Python there, with that folder first on its path."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "RAY_USAGE_STATS_ENABLED": "0"}
    ran = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_search_and_its_worker_run_in_their_folder(folder: Path) -> None:
    words = ["search", "--config", "search.yaml", "--backend", "ray", "--run", "run"]
    assert "Next:" in run(folder, "-m", "haemsa", *words)
    summary = json.loads((folder / "run" / "summary.json").read_text())
    assert (summary["evaluations"], summary["failures"]) == (4, 0)


def test_their_script_imports_haemsa(folder: Path) -> None:
    (folder / "script.py").write_text("from haemsa import run_search\nprint(run_search.__module__)\n")
    assert run(folder, "script.py") == "haemsa.cluster.search.launch\n"

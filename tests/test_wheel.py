"""The wheel holds all files of the package and no others, and runs from a folder without the repository."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.support.places import ROOT
from tests.test_structure import HOUSES, tracked

pytestmark = pytest.mark.slow
pytest.importorskip("setuptools", "77", reason="the wheel is built with what is installed")


def run(*command: object, cwd: Path) -> str:
    """What a command prints. It sees no code but what is installed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the repository's files."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for path in tracked():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, source / path, follow_symlinks=False)
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", built, source, cwd=built)
    (found,) = built.glob("haemsa-*.whl")
    return found


def test_the_wheel_holds_every_file_of_the_package_and_the_licence_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    about = {name for name in names if ".dist-info/" in name}
    assert names - about == {"haemsa/__init__.py", "haemsa/__main__.py", "haemsa/py.typed"} | {
        f"haemsa/{path}" for path in tracked(*HOUSES)
    }
    assert {name.partition(".dist-info/")[2] for name in about} == {
        *("METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt", "licenses/LICENSE")
    }


def test_the_installed_wheel_searches_and_reports_where_there_is_no_repository(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "--without-pip", "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    home = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    command = ("install", "-q", "--no-deps", "--no-index", wheel)
    run(sys.executable, "-m", "pip", "--python", python, *command, cwd=tmp_path)
    others = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()}
    (home / "others.pth").write_text("\n".join(sorted(others)) + "\n", encoding="utf-8")
    haemsa = tmp_path / "venv" / "bin" / "haemsa"
    where = run(python, "-c", "import haemsa.cluster; print(*haemsa.cluster.__path__)", cwd=tmp_path)
    assert where.strip() == str(home / "haemsa" / "cluster")
    assert "Find the best multimodal mixture-of-experts network" in run(haemsa, "--help", cwd=tmp_path)
    assert "evaluations:" in run(haemsa, "config", cwd=tmp_path)
    (tmp_path / "quick.yaml").write_text("space: {epochs: [1, 2], max_levels: 1, max_experts: 2}\n", encoding="utf-8")
    options = "--data planted --evaluations 2 --population 2 --confirm 0 --backend inline --tracking off --run found"
    run(haemsa, "search", "--config", "quick.yaml", *options.split(), cwd=tmp_path)
    run(haemsa, "report", "found", "--out", "report.html", cwd=tmp_path)
    assert "<svg" in (tmp_path / "report.html").read_text(encoding="utf-8")

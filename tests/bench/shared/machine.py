"""Where figures come from (commit, machine, versions), and where they go: bench-results/NAME.json."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
import time
from pathlib import Path
from typing import Any, Final

from joblib import cpu_count

from tests.support.places import ROOT

RESULTS: Final = ROOT / "bench-results"
PACKAGES: Final = ("torch", "numpy", "ray", "optuna", "deap", "pymoo", "moocore", "syne-tune")


def machine() -> dict[str, Any]:
    """Commit (with "+" if the tree differs from it), date, processor, cores that this process may use, versions."""
    return {
        "commit": commit(),
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpu": cpu(),
        "cores": cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    }


def commit() -> str | None:
    """The commit of the checkout. None if git cannot tell."""
    head = _git("rev-parse", "HEAD")
    return None if head is None else head + ("+" if _git("status", "--porcelain") else "")


def cpu() -> str:
    """The name of the processor as Linux knows it. On other systems, what Python calls it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def write_result(name: str, value: object, folder: Path = RESULTS) -> Path:
    """Write `{"machine": ..., "result": value}` to NAME.json in the folder. Returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), "result": value}, indent=1) + "\n", encoding="utf-8")
    return path


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    try:
        found = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()

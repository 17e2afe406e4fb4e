"""Where a run or a model comes from: versions, commit, data, device and seeds."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PACKAGES = ("haemsa", "torch", "ray", "deap", "numpy", "mlflow", "moocore")


def manifest(**facts: Any) -> dict[str, Any]:
    """What is needed to reproduce a run: versions, commit and machine, and the caller's facts (`data`, `seed` ...)."""
    return {
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "commit": _commit(),
        "machine": f"{platform.system()} {platform.machine()}",
        **facts,
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of the checkout that this code runs from. None for an installed package."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.stdout.strip() or None


def validation_of(facts: Mapping[str, Any]) -> str:
    """The validation protocol in a manifest. Older manifests call it `score`."""
    return str(facts.get("validation", facts.get("score", "holdout")))

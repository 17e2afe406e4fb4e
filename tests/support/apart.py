"""Tests touch only what is theirs: no Ray cluster, token or MLflow server of the person who runs them."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

THEIRS: Final = ("RAY_", "MLFLOW_TRACKING_", "MLFLOW_REGISTRY_", "MLFLOW_EXPERIMENT_", "MLFLOW_RUN_ID")
"""Variables that lead to what belongs to others begin with these."""


def keep_apart() -> str:
    """Give this process, and those that it starts, a Ray folder and a token of their own. Returns the folder.

    In its usual folder Ray notes which cluster runs here, and its test clusters replace and remove that note.
    """
    for name in [name for name in os.environ if name.startswith(THEIRS)]:
        del os.environ[name]
    folder = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # short, as the paths of sockets must be
    os.environ |= {
        "RAY_TMPDIR": folder, "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0",
    }  # fmt: skip
    return folder


@contextmanager
def apart() -> Iterator[None]:
    """As `keep_apart`, for a program. The folder is removed at the end."""
    folder = keep_apart()
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)

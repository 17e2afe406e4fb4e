"""Who made a run, with which command and which code, in the tags that MLflow itself knows."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Final, Literal

from haemsa.cluster.tracking.records import SearchStarted

Kind = Literal["search", "generation", "network", "model", "training", "tuning", "trial", "tuned"]
"""What a run is. The tag haemsa.kind has it, so that the page can show runs of one kind."""

NOTE: Final = "mlflow.note.content"
"""The tag with the description of a run or a model, as Markdown."""
NETWORKS_ONLY: Final = "tags.`haemsa.kind` = 'network'"
"""Finds the runs of networks."""


def origin(kind: Kind, command: str, commit: str | None = None, parent: str | None = None) -> dict[str, str]:
    """Tags for a new run.

    Args:
        kind: what the run is.
        command: what made it, for example "haemsa search".
        commit: the commit of the checkout that ran. None: an installed package ran.
        parent: the run that it belongs to.
    """
    tags = {
        "mlflow.user": _user(),
        "mlflow.source.name": command,
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": commit,
        "mlflow.parentRunId": parent,
        "haemsa.kind": kind,
    }
    return {name: value for name, value in tags.items() if value}


def label(search: SearchStarted) -> str:
    """What a search is called in the names of its runs: its name, or its run directory if that has another name."""
    folder = Path(str(search.manifest.get("run") or search.name)).name
    return folder if folder.startswith(search.name) else f"{search.name} ({folder})"


def _user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container may run as a user that has no name
        return "unknown"

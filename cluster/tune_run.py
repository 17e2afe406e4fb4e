"""A whole tuning, from its settings to its files and what MLflow keeps of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.progress import Progress
from cluster.tune import Tuning, tune, tune_config


def run_tuning(
    source: str, scheduler: str, options: Mapping[str, Any], out: Path | None, progress: Progress
) -> tuple[Tuning, Path]:
    """Tune the genome at `source` as `tune_config` takes its settings; returns what was found, and where it is kept.

    `out`: None: tuned/NAME. Raises ValueError, before any training, for what does not fit.
    """
    from cluster.tune_mlflow import record
    from cluster.tune_report import write

    config = tune_config(source, scheduler, options)
    folder = out or Path("tuned") / config.title
    found = tune(source, config, scheduler, folder, progress)
    write(found, folder)
    record(found, source, config, folder)
    return found, folder

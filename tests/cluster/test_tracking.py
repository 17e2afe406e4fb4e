"""Trackers without MLflow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from search_fakes import generation, started

from cluster.outbox import Outbox
from cluster.tracking import MemoryTracker, NullTracker, SearchEnded, tracker


def test_a_memory_tracker_keeps_records_in_order() -> None:
    memory = MemoryTracker()
    records = [started(), generation(0), generation(1), SearchEnded({"evaluations": 32})]
    memory.started(started())
    memory.generation(records[1])  # type: ignore[arg-type]
    memory.generation(records[2])  # type: ignore[arg-type]
    memory.ended(records[3])  # type: ignore[arg-type]
    assert memory.records == records
    assert [record.number for record in memory.generations] == [0, 1]


def test_off_means_no_tracker(tmp_path: Path) -> None:
    assert isinstance(tracker("off", Outbox(tmp_path)), NullTracker)


@pytest.mark.parametrize("module", ["cluster.tracking", "cluster.config", "cluster.journal", "cluster.progress"])
def test_no_record_loads_mlflow_torch_or_pandas(module: str) -> None:
    check = (
        f"import sys, {module}; print([m for m in ('mlflow', 'torch', 'pandas', 'ray', 'rich') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"

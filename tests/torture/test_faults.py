"""The short form of `tests/torture/faults.py`: its three bad genomes, in a search on the Ray of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from haemsa.cluster.search.launch import run_search
from haemsa.cluster.workers import node_copies
from tests.support.cluster.mlflow_store import mlflow_store
from tests.support.cluster.tiny import settings, stored
from tests.torture.faults import lost_in
from tests.torture.faulty import FaultyTrainer

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_genomes_that_diverge_never_end_or_hoard_fail_as_such_and_nothing_else_is_lost(
    ray_cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_copies, "CohortTrainer", FaultyTrainer)
    given = {"data": str(stored(tmp_path)), "run": str(tmp_path / "run"), "evaluations": 18, "cohort": 2}
    limits = {"backend": "ray", "workers": 2, "candidate_time": 10.0, "memory_per_worker": 1.0}
    run_search(settings(**given, **limits, tracking=mlflow_store(tmp_path)))
    assert lost_in(tmp_path / "run", 18) == []

"""Searches, trials and final trainings beside each other give what they give one after the other."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from haemsa.cluster.comparison import compare as compare_module
from haemsa.cluster.comparison.compare import Comparison, compare
from haemsa.cluster.comparison.contenders import ComparisonSetup
from haemsa.cluster.comparison.together import OneByOne, together
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.launch import run_search
from haemsa.cluster.shared.progress import SilentProgress, Status
from tests.support.cluster.tiny import problem, settings, stored

pytestmark = pytest.mark.slow
TRIALS = 8


class Interrupting(SilentProgress):
    """Interrupts once so many trials have ended."""

    def __init__(self, trials: int) -> None:
        self._trials = trials

    def update(self, status: Status) -> None:
        if status.evaluations >= self._trials:
            raise KeyboardInterrupt


def scores(run: Path) -> dict[int, Any]:
    with RunDirectory.open(run, read_only=True) as directory:
        rows = list(directory.journal.rows())
    return {row.id: (row.genome, row.scores) for row in rows}


@pytest.mark.ray
def test_beside_each_other_searches_find_what_they_find_in_this_process_also_after_an_interruption(
    ray_cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_module, "designs", lambda problem: ("only_text", "flat_mixture"))
    monkeypatch.setattr(compare_module, "kinds", lambda task, modalities: ("ridge",))
    made = settings(data=str(stored(tmp_path)), run=str(tmp_path / "run"), evaluations=2, population=2, cohort=4)
    run_search(made)

    def compared(name: str, backend: str, progress: Any) -> Comparison:
        config = made.model_copy(update={"backend": backend, "workers": 2})
        return compare(ComparisonSetup(config, tmp_path / "run", tmp_path / name, TRIALS), 1, progress)

    inline = compared("inline", "inline", SilentProgress())
    with pytest.raises(KeyboardInterrupt):
        compared("ray", "ray", Interrupting(TRIALS))
    beside = compared("ray", "ray", SilentProgress())
    assert list(beside.models) == list(inline.models)
    for name in ("same_search", "only_text", "flat_mixture"):
        assert scores(tmp_path / "ray" / name) == scores(tmp_path / "inline" / name)
        log = (tmp_path / "ray" / name / "search.log").read_text()
        assert f"run directory: {tmp_path / 'ray' / name}" in log
        assert all(f"/ray/{other}" not in log for other in ("only_text", "flat_mixture") if other != name)
    for name, model in inline.models.items():
        np.testing.assert_allclose(beside.models[name]["mae"]["values"], model["mae"]["values"], atol=1e-4)
    assert logging.getLogger("haemsa").level == logging.NOTSET


@pytest.mark.ray
def test_the_first_error_ends_all_and_is_raised(ray_cluster: None) -> None:
    _, data = problem()
    config = settings(backend="ray", workers=1)

    def failing() -> None:
        raise OSError("the disk is full")

    with together(config, data, SilentProgress()) as side, side.evaluator("waiting", data, 1.0, 1) as evaluator:

        def waiting() -> None:
            while True:
                evaluator._tasks.ended(1.0)

        with pytest.raises(OSError, match="the disk is full"):
            side.run([waiting, failing])


def test_in_this_process_searches_on_the_same_data_share_a_trainer() -> None:
    _, data = problem()
    _, other = problem()
    side = OneByOne()
    made = []
    for each in (data, data, other):
        with side.evaluator("search", each, 1.0, 3) as evaluator:
            made.append(evaluator._train)
    assert made[0] is made[1] and made[2] is not made[0]
    assert side.run([lambda: 1, lambda: 2]) == [1, 2]

"""Copies of a run directory that is in use: each can be resumed from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import haemsa.cluster.workers.factory
from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.run_directory.snapshot import main, snapshot
from haemsa.cluster.search.launch import resume_search, run_search
from haemsa.cluster.workers.cohort_trainer import CohortTrainer
from haemsa.cluster.workers.job import RowState
from tests.support.cluster.search_fakes import candidates, scores
from tests.support.cluster.tiny import settings, stored

pytestmark = pytest.mark.slow

CONFIG = SearchConfig.of({"data": "planted"})


def ended(number: int) -> list[RungOutcome]:
    return [RungOutcome(number, scores(number), 1, 0.1, "worker-0", 0)]


def test_a_copy_of_a_run_in_use_holds_all_that_was_recorded_and_can_be_opened(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "run", CONFIG, {"seed": 0}) as run:
        run.journal.asked(candidates(3), {"step": 1})
        run.journal.record(ended(0), {"step": 2})
        run.states.save(0, 0, {0: RowState(1, {})})
        assert snapshot(run.path, tmp_path / "copy") == 4  # config, manifest, weights, journal
    with RunDirectory.open(tmp_path / "copy") as copy:
        assert [row.status for row in copy.journal.rows()] == ["done", "asked", "asked"]
        assert copy.journal.state() == {"step": 2}
        assert copy.states.kept() == {(0, 0)}


def test_the_next_copy_writes_what_changed_and_removes_what_is_gone(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "run", CONFIG, {"seed": 0}) as run:
        run.journal.asked(candidates(2))
        run.states.save(0, 0, {0: RowState(1, {})})
        snapshot(run.path, tmp_path / "copy")
        before = (tmp_path / "copy" / "config.yaml").stat()
        run.states.drop(0, 0)
        run.states.save(1, 0, {0: RowState(1, {})})
        run.journal.record(ended(1))
        assert snapshot(run.path, tmp_path / "copy") == 2
    assert (tmp_path / "copy" / "config.yaml").stat() == before
    assert [path.name for path in (tmp_path / "copy" / "states").iterdir()] == ["1-0.safetensors"]
    assert not list((tmp_path / "copy").glob(".*"))


def test_what_is_half_written_and_locks_stay_behind(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "run", CONFIG, {}) as run:
        (run.path / ".front.csv.12.tmp").write_text("half")
        snapshot(run.path, tmp_path / "copy")
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == [
        "config.yaml", "journal.sqlite", "manifest.json"
    ]  # fmt: skip


def test_a_copy_made_while_cohorts_train_is_resumed_to_the_same_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Copied(CohortTrainer):
        cohorts = 0

        def __call__(self, candidates: Any) -> Any:
            Copied.cohorts += 1
            if Copied.cohorts == 3:
                snapshot(tmp_path / "run", tmp_path / "copy")
            return super().__call__(candidates)

    given = {"data": str(stored(tmp_path)), "run": str(tmp_path / "run"), "mode": "generational", "evaluations": 15}
    with monkeypatch.context() as patch:
        patch.setattr(haemsa.cluster.workers.factory, "CohortTrainer", Copied)
        whole = run_search(settings(**given)).summary
    with RunDirectory.open(tmp_path / "copy", read_only=True) as copy:
        assert copy.journal.counts()["done"] < 15
    assert resume_search(tmp_path / "copy").summary["front"] == whole["front"]


def test_there_is_nothing_to_copy_before_a_search_begins(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"run directory .*run holds no search, expected a folder made by haemsa"):
        main([str(tmp_path / "run"), str(tmp_path / "copy")])
    assert not (tmp_path / "copy").exists()


def test_it_says_what_is_wrong_in_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "haemsa.cluster.run_directory.snapshot", str(tmp_path), str(tmp_path / "copy")]
    ran = subprocess.run(command, env={**os.environ}, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr == (
        f"snapshot: run directory {tmp_path} holds no search, expected a folder made by haemsa search\n"
    )

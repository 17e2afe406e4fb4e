"""Copies of a run directory that is in use: each can be resumed from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory import snapshot as haemsa_snapshot
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.run_directory.snapshot import snapshot
from haemsa.cluster.search.launch import resume_search, run_search
from haemsa.cluster.workers import factory
from haemsa.cluster.workers.cohort_trainer import CohortTrainer
from haemsa.cluster.workers.row_state import RowState
from tests.support.cluster.haemsa_command import haemsa
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
        run.states.save(0, 0, {0: RowState.of(1, {})})
        assert snapshot(run.path, tmp_path / "copy") == 4  # config, manifest, weights, journal
    with RunDirectory.open(tmp_path / "copy") as copy:
        assert [row.status for row in copy.journal.rows()] == ["done", "asked", "asked"]
        assert copy.journal.state() == {"step": 2}
        assert copy.states.kept() == {(0, 0)}


def test_the_next_copy_writes_what_changed_and_removes_what_is_gone(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "run", CONFIG, {"seed": 0}) as run:
        run.journal.asked(candidates(2))
        run.states.save(0, 0, {0: RowState.of(1, {})})
        snapshot(run.path, tmp_path / "copy")
        before = (tmp_path / "copy" / "config.yaml").stat()
        run.states.drop(0, 0)
        run.states.save(1, 0, {0: RowState.of(1, {})})
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
        patch.setattr(factory, "CohortTrainer", Copied)
        whole = run_search(settings(**given)).summary
    with RunDirectory.open(tmp_path / "copy", read_only=True) as copy:
        assert copy.journal.counts()["done"] < 15
    assert resume_search(tmp_path / "copy").summary["front"] == whole["front"]


def test_there_is_nothing_to_copy_before_a_search_begins(tmp_path: Path) -> None:
    ran = haemsa("snapshot", tmp_path / "run", tmp_path / "copy")
    assert ran.sentence == f"run directory {tmp_path / 'run'} holds no search, expected a folder made by haemsa search"
    assert not (tmp_path / "copy").exists()


def test_the_command_copies_once_and_says_so(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "run", CONFIG, {}):
        ran = haemsa("snapshot", tmp_path / "run", tmp_path / "copy")
    assert (ran.status, ran.out) == (0, f"3 files copied to {tmp_path / 'copy'}\n")


def test_copies_are_made_again_and_again_also_if_the_search_begins_later_or_one_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            RunDirectory.create(tmp_path / "run", CONFIG, {}).close()
            (tmp_path / "copy").write_text("in the way")
        if len(pauses) == 3:
            (tmp_path / "copy").unlink()
        if len(pauses) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(haemsa_snapshot.time, "sleep", pause)
    assert haemsa("snapshot", tmp_path / "run", tmp_path / "copy", "--every", 60).status == 130
    assert pauses == [60, 60, 60, 60]
    assert len(caplog.messages) == 1
    assert (tmp_path / "copy" / "journal.sqlite").exists()

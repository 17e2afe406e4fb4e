"""The run directory: what is written is there after any end, and nothing is overwritten."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.evo.candidate import Evaluated, Failure, Score
from haemsa.model.spec.genome import Genome
from tests.support.cluster.search_fakes import candidates, genome, scores

CONFIG = SearchConfig.of({"data": "planted", "seed": 7})


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDirectory]:
    with RunDirectory.create(tmp_path / "run", CONFIG, {"python": "3.11"}) as directory:
        yield directory


def test_what_was_asked_for_is_kept(run: RunDirectory) -> None:
    assert run.config() == CONFIG
    assert run.manifest() == {"python": "3.11"}
    assert run.summary() is None


def test_settings_that_an_older_version_wrote_are_read_without_the_genes_that_went(run: RunDirectory) -> None:
    old = {"mixing": [0.1, 0.5], "schedules": ["constant", "cosine"], "losses": ["huber", "ordinal"], "widths": [8]}
    text = CONFIG.to_yaml().replace("space: {}", f"space: {old}")
    (run.path / "config.yaml").write_text(text)
    kept = {"losses": ["huber"], "widths": [8]}
    assert run.config() == SearchConfig.of({"data": "planted", "seed": 7, "space": kept})


def test_candidates_and_outcomes_come_back_by_id(run: RunDirectory) -> None:
    run.journal.asked(candidates(3), {"next_id": 3})
    failure = Failure("nan", "the loss is not finite")
    run.journal.record(
        [RungOutcome(2, failure, 0, 1.5, "w1"), RungOutcome(0, {"mae": Score(0.9, 0.1, 5)}, 0)], {"told": [2, 0]}
    )
    first, second, third = run.journal.rows()
    assert (first.status, first.scores, first.genome) == ("done", {"mae": Score(0.9, 0.1, 5)}, genome(0))
    assert (second.status, second.generation, second.parents, second.ended_at) == ("asked", None, (0,), None)
    assert (third.status, third.failure, third.seconds, third.worker) == ("failed", failure, 1.5, "w1")
    assert run.journal.state() == {"next_id": 3, "told": [2, 0]}
    assert run.journal.counts() == {"asked": 1, "done": 1, "failed": 1}


def test_a_bare_number_is_a_score(run: RunDirectory) -> None:
    run.journal.asked(candidates(1))
    run.journal.record([RungOutcome(0, {"mae": 0.5}, 0)])
    assert next(run.journal.rows()).scores == {"mae": Score(0.5)}


def test_rows_have_the_form_that_an_evolution_loads(run: RunDirectory) -> None:
    run.journal.asked(candidates(3))
    run.journal.record([RungOutcome(0, {"mae": Score(0.5)}, 0), RungOutcome(1, Failure("crash", "gone"), 0)])
    first, second, third = (row.for_evolution() for row in run.journal.rows())
    assert (first["outcomes"], first["failure"]) == ([{"mae": [0.5, 0.0, 1, []]}], None)
    assert (second["outcomes"], second["failure"]) == ([], {"kind": "crash", "message": "gone"})
    assert (third["outcomes"], third["failure"], third["parents"]) == ([], None, [1])
    assert Genome.from_json(third["genome"]) == genome(2)


def test_outcomes_and_state_are_written_together_or_not_at_all(run: RunDirectory) -> None:
    run.journal.asked(candidates(1), {"step": 1})
    with pytest.raises(ValueError, match="candidate 5 has an outcome but was never asked"):
        run.journal.record(
            [RungOutcome(0, {"mae": Score(1.0)}, 0), RungOutcome(5, {"mae": Score(1.0)}, 0)], {"step": 2}
        )
    assert next(run.journal.rows()).status == "asked"
    assert run.journal.state() == {"step": 1}


def test_a_score_that_is_no_number_is_never_written(run: RunDirectory) -> None:
    run.journal.asked(candidates(1))
    with pytest.raises(ValueError, match="JSON"):
        run.journal.record([RungOutcome(0, {"mae": Score(float("nan"))}, 0)])
    assert next(run.journal.rows()).status == "asked"


def test_a_killed_process_leaves_what_it_recorded(tmp_path: Path) -> None:
    script = f"""
        import os, signal, sys
        sys.path[:0] = {sys.path!r}
        from pathlib import Path
        from tests.support.cluster.search_fakes import candidates
        from haemsa.cluster.config import SearchConfig
        from haemsa.cluster.run_directory.rows import RungOutcome
        from haemsa.cluster.run_directory.run_directory import RunDirectory
        run = RunDirectory.create(Path({str(tmp_path / "run")!r}), SearchConfig.of({{"data": "planted"}}), {{}})
        run.journal.asked(candidates(2), {{"step": 1}})
        run.journal.record([RungOutcome(0, {{"mae": 0.5}}, 0)], {{"step": 2}})
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False).returncode == -9
    with RunDirectory.open(tmp_path / "run") as run:
        assert [row.status for row in run.journal.rows()] == ["done", "asked"]
        assert run.journal.state() == {"step": 2}


def test_a_folder_that_holds_a_search_is_refused(run: RunDirectory) -> None:
    run.close()
    with pytest.raises(ValueError, match=r"run directory .*run already holds a search, expected a new or empty folder"):
        RunDirectory.create(run.path, CONFIG, {})


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="already holds other files"):
        RunDirectory.create(tmp_path, CONFIG, {})
    assert [item.name for item in tmp_path.iterdir()] == ["notes.txt"]


def test_a_place_where_no_folder_can_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be made: Not a directory"):
        RunDirectory.create(tmp_path / "file" / "run", CONFIG, {})


def test_a_folder_without_a_search_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no search, expected a folder made by haemsa search"):
        RunDirectory.open(tmp_path)


def test_a_damaged_journal_is_named(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_text("this is no database, and long enough to be read as one" * 20)
    with pytest.raises(ValueError, match=r"journal\.sqlite is no journal of a search"):
        RunDirectory.open(tmp_path)


@pytest.mark.parametrize("damage", ["cut", "overwritten", "emptied"])
def test_a_torn_journal_is_replaced_by_its_last_copy_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    path = tmp_path / "run" / "journal.sqlite"
    with RunDirectory.create(tmp_path / "run", CONFIG, {}) as run:
        run.journal.asked(candidates(40), {"evolution": {"next_id": 40}})
        run.journal.back_up()
        run.journal.asked(candidates(60, start=40), {"evolution": {"next_id": 100}})
    whole = path.read_bytes()
    middle = len(whole) // 2
    overwritten = whole[:4096] + b"\x07" * middle + whole[4096 + middle :]
    path.write_bytes({"cut": whole[:middle], "overwritten": overwritten, "emptied": b""}[damage])
    with RunDirectory.open(tmp_path / "run") as run:
        assert [row.id for row in run.journal.rows()] == list(range(40))
        assert run.journal.state() == {"evolution": {"next_id": 40}}
    assert "is damaged; its last copy is used, what ended later is trained again" in caplog.text
    assert (tmp_path / "run" / "journal.damaged.sqlite").exists()


def test_only_one_writes_while_others_may_read(run: RunDirectory) -> None:
    run.journal.asked(candidates(1))
    with pytest.raises(ValueError, match="in use by another search that is still running"):
        RunDirectory.open(run.path)
    with RunDirectory.open(run.path, read_only=True) as reader:
        assert [row.id for row in reader.journal.rows()] == [0]
    run.close()
    with RunDirectory.open(run.path) as again:
        assert [row.id for row in again.journal.rows()] == [0]


def test_a_candidate_that_climbs_keeps_the_scores_of_every_rung(run: RunDirectory) -> None:
    (candidate,) = candidates(1)
    for rung, mae in enumerate((0.9, 0.8)):
        run.journal.asked([replace(candidate, rung=rung)])
        run.journal.record([RungOutcome(0, {"mae": Score.of([mae])}, 1, 2.0, "w1", rung)])
    run.journal.asked([replace(candidate, rung=2)])
    (row,) = run.journal.rows()
    assert [scores["mae"].mean for scores in row.outcomes] == [0.9, 0.8]
    assert (row.status, row.rung, row.seconds, row.scores["mae"].values) == ("done", 2, 4.0, (0.8,))


def test_confirmed_scores_stand_beside_those_of_the_search(run: RunDirectory) -> None:
    run.journal.asked(candidates(2))
    run.journal.record([RungOutcome(0, {"mae": 0.5}, 0), RungOutcome(1, {"mae": 0.6}, 0)])
    run.journal.confirm({1: {"mae": Score.of([0.7, 0.9])}})
    first, second = run.journal.rows()
    assert first.confirmed is None
    assert second.confirmed == {"mae": Score.of([0.7, 0.9])}
    assert second.scores == {"mae": Score(0.6)}


def test_a_search_that_goes_on_has_no_summary_and_nothing_confirmed(run: RunDirectory) -> None:
    run.journal.asked(candidates(1))
    run.journal.record([RungOutcome(0, scores(0), 1)])
    run.journal.confirm({0: scores(0)})
    run.write_summary({"evaluations": 1})
    run.reopen(CONFIG.model_copy(update={"evaluations": 9}))
    assert run.summary() is None and run.config().evaluations == 9
    assert [row.confirmed for row in run.journal.rows()] == [None]


def test_a_journal_of_another_format_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE candidates(id INTEGER)")
        db.execute("PRAGMA user_version=1")
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(ValueError, match="has journal format 1, this version reads 2"):
            RunDirectory.open(tmp_path, read_only=read_only)
    assert path.read_bytes() == before


def test_the_front_is_a_table_with_genomes_that_can_be_read(run: RunDirectory) -> None:
    run.write_front([Evaluated(c.id, c.genome, c.parents, scores(c.id)) for c in candidates(2)])
    frame = pd.read_csv(run.path / "front.csv")
    assert list(frame["id"]) == [0, 1]
    assert frame["mae"][1] == scores(1)["mae"].mean
    assert Genome.from_json(frame["genome"][1]) == genome(1)


def test_the_population_has_a_row_per_candidate_failed_ones_too(run: RunDirectory) -> None:
    run.journal.asked(candidates(3))
    run.journal.record([RungOutcome(0, scores(0), 0), RungOutcome(1, Failure("memory", "too large"), 0)])
    run.write_population()
    frame = pd.read_parquet(run.path / "population.parquet")
    assert list(frame["status"]) == ["done", "failed", "asked"]
    assert frame["failure"][1] == "memory: too large"
    assert list(frame["modalities"]) == ["text", "audio text", "audio text vision"]
    assert frame["params"][0] == scores(0)["params"].mean


def test_the_summary_is_strict_json(run: RunDirectory) -> None:
    run.write_summary(
        {"hypervolume": float("nan"), "evaluations": np.int64(3), "busy": np.float64(0.5), "at": run.path}
    )
    assert run.summary() == {"hypervolume": None, "evaluations": 3, "busy": 0.5, "at": str(run.path)}


def test_the_log_takes_what_the_package_says_and_only_then(run: RunDirectory) -> None:
    with run.logged():
        logging.getLogger("haemsa.cluster.search.driver").info("began")
    logging.getLogger("haemsa.cluster.search.driver").info("too late")
    text = (run.path / "search.log").read_text()
    assert "INFO haemsa.cluster.search.driver: began" in text
    assert "too late" not in text

"""A run that is followed: only what changed is read, and the search that writes notices nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from haemsa.cluster.report.page.live.followed import FollowedRun
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.evo.candidate import Candidate, Failure
from tests.support.cluster.made_run import end_run, made_run
from tests.support.cluster.search_fakes import candidates, scores


def test_only_candidates_that_changed_are_read_again(tmp_path: Path) -> None:
    path = made_run(tmp_path / "run", 20, 4, failed=0, pending=2)
    followed = FollowedRun(path)
    assert followed.changed()
    record, _ = followed.read()
    assert (len(record.rows), followed.read_rows) == (22, 22)
    assert not followed.changed()
    with RunDirectory.open(path) as run:  # the search holds its lock while it is followed
        run.journal.record([RungOutcome(20, scores(20), 6), RungOutcome(21, Failure("nan", "it is"), 6)])
        run.journal.asked(candidates(1, 22))
        assert followed.changed()
        record, _ = followed.read()
        assert followed.read_rows == 22 + 3
        run.journal.asked([Candidate(20, candidates(1, 20)[0].genome, (), 1)])  # it climbs
        record, _ = followed.read()
        assert (followed.read_rows, record.rows[20].rung) == (26, 1)
    end_run(path, 3, (3, 4))
    record, _ = followed.read()
    assert followed.read_rows == 28
    assert record.confirmed
    with RunDirectory.open(path, read_only=True) as run:
        assert list(record.rows) == list(run.journal.rows())


def test_a_search_that_goes_on_forgets_what_was_confirmed(tmp_path: Path) -> None:
    path = made_run(tmp_path / "run", 20, 4)
    end_run(path, 3, (3, 4))
    followed = FollowedRun(path)
    assert followed.read()[0].confirmed
    with RunDirectory.open(path) as run:
        run.reopen(run.config())
    record, _ = followed.read()
    assert not record.confirmed
    assert record.summary is None


def test_workers_are_told_with_their_results(tmp_path: Path) -> None:
    path = made_run(tmp_path / "run", 4, 4, failed=0, pending=2)
    with RunDirectory.open(path) as run:
        run.journal.record([RungOutcome(number, scores(number), 1, 1.5, "node/7") for number in (4, 5)])
    _, workers = FollowedRun(path).read()
    assert [(name, count, seconds) for name, count, seconds, _ in workers] == [("", 4, 8.0), ("node/7", 2, 3.0)]


def test_a_folder_without_a_search_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no search"):
        FollowedRun(tmp_path).read()

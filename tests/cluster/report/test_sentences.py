"""A search in a few sentences."""

from __future__ import annotations

from pathlib import Path

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.report.sentences import found_line, lines
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.shared.files import write_json
from haemsa.evo.candidate import Score
from tests.support.cluster.made_run import end_run, made_run
from tests.support.cluster.search_fakes import OBJECTIVES, candidates


def words_of(path: Path) -> list[str]:
    with RunDirectory.open(path, read_only=True) as run:
        record = SearchRecord.read(run)
    return [found_line(record), *lines(record)]


def test_what_was_found_is_told_with_its_error_its_cost_and_why(tmp_path: Path) -> None:
    scores = [{"mae": Score(0.8, 0.05, 5), "params": Score(9e3)}, {"mae": Score(0.82, 0.0414, 5), "params": Score(700)}]
    config = SearchConfig.of({"data": "x.h5", "name": "mine"})
    with RunDirectory.create(tmp_path / "run", config, {"objectives": OBJECTIVES}) as run:
        run.journal.asked(candidates(2))
        run.journal.record([RungOutcome(number, found, 1) for number, found in enumerate(scores)])
    end_run(tmp_path / "run", 1)
    with RunDirectory.open(tmp_path / "run") as run:
        run.journal.confirm(dict(enumerate(scores)))
    found, reads, winners, effort, trust = words_of(tmp_path / "run")
    assert found == "The best network reaches MAE 0.82 ± 0.041 with 700 parameters (candidate 1)."
    assert reads.startswith("It reads text (attention), audio (mean), with 2 levels of experts (4 mlp, 2 low rank)")
    assert winners == "Of the last 2 survivors of the search, 100% read text, 50% read audio."
    assert effort.startswith("2 genomes evaluated in 1m 05s, no failures; 2 trade-offs on the front, hypervolume ")
    assert trust.startswith("The front's scores are of training again from scratch with fresh seeds, on the validation")


def test_a_search_that_runs_says_so_and_that_nothing_is_confirmed(tmp_path: Path) -> None:
    *_, effort, trust = words_of(made_run(tmp_path / "run", pending=3))
    assert effort.startswith("48 genomes evaluated, 2 failures; ")
    assert effort.endswith("; 3 pending: the search has not ended.")
    assert trust.startswith("The front's scores are the search's own, by cross-validation (folds:5), not confirmed")


def test_a_search_without_scores_says_what_it_took(tmp_path: Path) -> None:
    path = made_run(tmp_path / "run", 4, 4, failed=4)
    assert words_of(path)[0] == "No candidate has scores yet."
    write_json(path / "summary.json", {"best": None})
    assert words_of(path) == ["Every candidate failed.", "4 genomes evaluated, 4 failures."]


def test_a_search_that_has_not_begun_can_be_told_of(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run", SearchConfig.of({"data": "planted"}), {}).close()
    assert words_of(tmp_path / "run")[0] == "No candidate has scores yet."

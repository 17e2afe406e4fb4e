"""A search in a few sentences."""

from __future__ import annotations

from pathlib import Path

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.report.sentences import best_line, lines
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.shared.files import write_json
from haemsa.evo.candidate import Score
from tests.support.cluster.made_run import end_run, made_run
from tests.support.cluster.search_fakes import OBJECTIVES, candidates


def words_of(path: Path) -> list[str]:
    with RunDirectory.open(path, read_only=True) as run:
        record = SearchRecord.read(run)
    return [best_line(record), *lines(record)]


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
    assert reads.startswith("It reads text (attention) and audio (mean). It has 2 levels of experts (4 mlp, 2 low rank")
    assert winners == "In the last population of 2 networks, 100% read text and 50% read audio."
    assert effort.startswith("The search evaluated 2 genomes in 1m 05s, with no failures. The front has 2 trade-offs. ")
    assert "it dominates 17% of what lies between the best and the worst that was seen (its hypervolume)." in effort
    assert trust.startswith("The networks of the front were trained again from scratch with fresh seeds and scored on ")
    assert "scored on the validation split. " in trust


def test_a_search_that_runs_says_so_and_that_nothing_is_confirmed(tmp_path: Path) -> None:
    found, *_, effort, trust = words_of(made_run(tmp_path / "run", pending=3))
    assert found.startswith("The best network so far reaches MAE ")
    assert found.endswith(". Its score is not confirmed.")
    assert effort.startswith("The search evaluated 48 genomes, with 2 failures. ")
    assert effort.endswith(" The search has not ended: 3 pending.")
    assert trust.startswith(
        "The scores of the front are the search's own, by cross-validation (folds:5). They are not "
    )
    assert "They are not confirmed by training again." in trust


def test_a_search_without_scores_says_what_it_took(tmp_path: Path) -> None:
    path = made_run(tmp_path / "run", 4, 4, failed=4)
    assert words_of(path)[0] == "No candidate has scores yet."
    write_json(path / "summary.json", {"best": None})
    took = "The search evaluated 4 genomes, with 4 failures."
    assert words_of(path) == ["Every candidate failed.", took]
    write_json(path / "summary.json", {"best": None, "nodes_left": 2})
    assert words_of(path)[1] == f"{took} 2 nodes left while it ran; what they had was trained elsewhere."


def test_a_search_that_has_not_begun_can_be_told_of(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run", SearchConfig.of({"data": "planted"}), {}).close()
    assert words_of(tmp_path / "run")[0] == "No candidate has scores yet."

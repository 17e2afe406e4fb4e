"""What `haemsa list` and `haemsa show --json` say of run directories."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.report.runs import list_runs
from haemsa.cluster.report.show import show_values
from haemsa.cluster.run_directory.lock import in_use
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.evo.candidate import Evaluated, Failure, Score
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.search_fakes import OBJECTIVES, candidates, genome

MADE = {"objectives": OBJECTIVES, "made": "2025-05-04T10:00:00Z"}


def begun(path: Path, ended: int = 3, made: str = "2025-05-04T10:00:00Z") -> RunDirectory:
    """A search of 40 evaluations, of which some have ended; candidate 0 failed. It is in use until it is closed."""
    run = RunDirectory.create(path, SearchConfig.of({"data": "mine.h5", "evaluations": 40}), {**MADE, "made": made})
    run.journal.asked(candidates(4))
    outcomes = [{"mae": Score(1.0 - 0.1 * i, 0.02, 5), "params": Score(100.0)} for i in range(1, ended)]
    run.journal.record([RungOutcome(0, Failure("nan", "not finite"), 1, 2.0)])
    run.journal.record([RungOutcome(i, scores, 1, 2.0) for i, scores in enumerate(outcomes, start=1)])
    run.write_front([Evaluated(2, genome(2), (), outcomes[-1])])
    return run


def test_each_search_is_listed_with_its_state_the_latest_first(tmp_path: Path) -> None:
    with begun(tmp_path / "done", made="2025-05-01T10:00:00Z") as run:
        run.write_summary({"ended_by": "evaluations", "best": {"scores": {"mae": 0.75}}})
    with begun(tmp_path / "stopped", made="2025-05-02T10:00:00Z") as run:
        run.write_summary({"ended_by": "interrupted", "best": None})
    begun(tmp_path / "died", made="2025-05-03T10:00:00Z").close()
    begun(tmp_path / "torn").close()
    (tmp_path / "torn" / "config.yaml").write_text("[")
    (tmp_path / "notes").mkdir()
    with begun(tmp_path / "going"):
        found = {listed.run.name: listed for listed in list_runs(tmp_path)}
    states = {name: listed.state for name, listed in found.items()}
    assert states == {
        "going": "running", "died": "interrupted", "stopped": "interrupted", "done": "ended", "torn": "damaged"
    }  # fmt: skip
    assert list(found) == ["going", "died", "stopped", "done", "torn"]
    going = found["going"]
    assert (going.data, going.evaluations, going.budget, going.objective) == ("mine.h5", 3, 40, "mae")
    assert going.best == pytest.approx(0.8)  # the first of the front so far
    assert found["done"].best == 0.75  # the summary's
    assert found["stopped"].best is None
    assert "is not readable YAML" in str(found["torn"].problem)


def test_a_search_whose_process_was_killed_is_not_running(tmp_path: Path) -> None:
    with begun(tmp_path / "run") as run:
        assert in_use(run.path)
        shutil.copytree(run.path, tmp_path / "copy")  # as a killed process leaves it, with its lock's own journal
    assert {listed.run.name: listed.state for listed in list_runs(tmp_path)} == dict.fromkeys(
        ("run", "copy"), "interrupted"
    )
    RunDirectory.open(tmp_path / "copy").close()


def test_a_custom_search_that_has_nothing_left_has_ended(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "run", SearchConfig.of({"data": "custom"}), {}) as run:
        run.journal.asked(candidates(1))
        run.journal.record([RungOutcome(0, {"error": Score(1.0)}, 1)])
    (listed,) = list_runs(tmp_path)
    assert (listed.state, listed.evaluations, listed.best) == ("ended", 1, None)


def test_the_command_prints_a_table_and_writes_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert haemsa("list").sentence == "folder runs does not exist, expected one that holds run directories"
    Path("runs").mkdir()
    assert haemsa("list").out == "no searches in runs\n"
    begun(tmp_path / "runs" / "mine").close()
    ran = haemsa("list", "--json", "found.json")
    row = next(line for line in ran.out.splitlines() if "mine.h5" in line)
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells[:5] == ["runs/mine", "mine.h5", "3 of 40", "interrupted", "mae 0.8"]
    (found,) = json.loads(Path("found.json").read_text())
    assert (found["run"], found["state"], found["budget"], found["made"]) == (
        "runs/mine", "interrupted", 40, MADE["made"]
    )  # fmt: skip


def test_a_hundred_searches_are_listed(tmp_path: Path) -> None:
    begun(tmp_path / "0").close()
    for number in range(1, 100):
        shutil.copytree(tmp_path / "0", tmp_path / str(number))
    assert len(list_runs(tmp_path)) == 100


def test_show_writes_all_that_it_prints_and_the_genomes(tmp_path: Path) -> None:
    with begun(tmp_path / "run") as run:
        found = show_values(run.path)
        assert (found["evaluations"], found["failures"], found["pending"], found["ended_by"]) == (3, 1, 1, None)
        assert [item["id"] for item in found["front"]] == [2]
        assert found["best"]["scores"] == {"mae": pytest.approx(0.8), "params": 100.0}
        assert found["best"]["errors"] == {"mae": 0.02}
        assert found["best"]["genome"] == json.loads(genome(2).to_json())
        (generation,) = found["generations"]
        assert generation["best"] == {"mae": pytest.approx(0.8), "params": 100.0}
        assert (generation["ended"], generation["failed"], generation["seconds"]) == (3, 1, 6.0)
        run.journal.confirm({1: {"mae": Score(0.7), "params": Score(100.0)}})
        run.write_summary({"ended_by": "evaluations", "hypervolume": 2.5})
    ran = haemsa("show", tmp_path / "run", "--json", tmp_path / "found.json")
    assert ran.status == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert (found["ended_by"], found["hypervolume"]) == ("evaluations", 2.5)
    assert found["best"]["search_scores"] == {"mae": pytest.approx(0.9), "params": 100.0}
    assert found["best"]["scores"]["mae"] == 0.7


def test_show_writes_json_also_before_there_are_scores(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run", SearchConfig.of({"data": "mine.h5"}), MADE).close()
    found = show_values(tmp_path / "run")
    assert (found["name"], found["best"], found["front"], found["generations"]) == ("mine", None, [], [])

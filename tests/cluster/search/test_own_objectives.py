"""Searches for latency, and for functions of one's own: recorded, shown, resumed, and ended when they never work."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.report.sentences import best_line
from haemsa.cluster.report.show import show, show_values
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.launch import resume_search, run_search
from haemsa.cluster.search.problem import Problem, worker_data
from haemsa.cluster.shared.progress import PlainProgress
from haemsa.cluster.workers.own_objectives import OwnFunctions
from tests.support.cluster.tiny import data, settings
from tests.support.own_modules import COST, forget, write_module

SETTINGS: dict[str, Any] = {"mode": "generational", "evaluations": 6, "population": 4}


def width(predictions: Any, labels: Any, genome: Any) -> float:
    return float(genome.network.width)


WIDTH: OwnFunctions = {"width": (width, "min")}


def asked(*objectives: str, **given: Any) -> Any:
    return settings(data=None, objectives=["sentiment/mae", *objectives], **{**SETTINGS, **given})


def printed(run: Path) -> str:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    show(run, console)
    return console.export_text()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run"


def test_both_kinds_are_confirmed_recorded_and_shown(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write_module(tmp_path, monkeypatch)
    config = asked("latency_ms", f"max:{name}:width", run=str(path), confirm=2, rungs=True, validation="folds:2")
    summary = run_search(config, dataset=data()).summary
    objectives = {"sentiment/mae": "min", "latency_ms": "min", f"{name}:width": "max"}
    assert summary["objectives"] == objectives
    best = summary["best"]
    assert best["scores"][f"{name}:width"] in (8.0, 16.0) and best["scores"]["latency_ms"] > 0
    assert best["errors"]["latency_ms"] > 0
    forget(tmp_path, name)  # what reads a run directory needs no code of the user's
    assert show_values(path)["objectives"] == objectives
    text = printed(path)
    assert "latency_ms ↓" in text and f"{name}:width ↑" in text
    with RunDirectory.open(path, read_only=True) as run:
        rows, line = list(run.journal.rows()), best_line(SearchRecord.read(run))
    assert (
        f"{name}:width {best['scores'][f'{name}:width']:g}" in line and "and a latency of" in line and " ms (" in line
    )
    climbed = [row for row in rows if len(row.outcomes) > 1]
    assert climbed
    assert all(len({scores["latency_ms"] for scores in row.outcomes}) == 1 for row in climbed)


def test_a_function_that_always_fails_ends_the_search_and_repaired_it_goes_on(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write_module(tmp_path, monkeypatch)
    config = asked(f"{name}:failing", run=str(path), evaluations=40, population=8, cohort=8)
    sentence = rf"^the first 8 genomes all failed, the last: objective {name}:failing: KeyError: 'sentimant'$"
    with pytest.raises(ValueError, match=sentence):
        run_search(config, dataset=data())
    forget(tmp_path, name)
    with pytest.raises(ValueError, match=rf"module {name} is neither in {tmp_path} nor installed"):
        resume_search(path, dataset=data())
    (tmp_path / f"{name}.py").write_text(COST.replace('raise KeyError("sentimant")', "return 1.0").partition("\n\n")[2])
    notes: list[str] = []
    changes = {"evaluations": 12}
    summary = resume_search(path, PlainProgress(notes.append), changes, dataset=data()).summary
    assert (summary["evaluations"], summary["failures"]) == (12, 8)
    assert any(line.startswith(f"note: the code of objective {name}:failing has changed since") for line in notes)


def test_a_function_may_be_given_from_python_and_is_then_needed_again(path: Path) -> None:
    config = settings(data=None, run=str(path), **SETTINGS)
    summary = run_search(config, dataset=data(), own_objectives=WIDTH).summary
    assert list(summary["objectives"]) == ["sentiment/mae", "params", "width"]
    with RunDirectory.open(path, read_only=True) as run:
        assert run.config().objectives == ["sentiment/mae", "params", "min:width"]
    with pytest.raises(ValueError, match=r"^objective 'min:width' is a function that is given from Python, expected"):
        resume_search(path, changes={"evaluations": 8}, dataset=data())
    more: OwnFunctions = {**WIDTH, "height": (width, "max")}
    with pytest.raises(ValueError, match=r"\(min\), height \(max\), the search began with sentiment/mae \(min\), "):
        resume_search(path, changes={"evaluations": 8}, dataset=data(), own_objectives=more)
    again = resume_search(path, changes={"evaluations": 8}, dataset=data(), own_objectives=WIDTH)
    assert again.summary["evaluations"] == 8


@pytest.mark.parametrize(
    ("objectives", "limits", "sentence"),
    [
        (
            ["mae", "latency_ms"],
            {"latency_ms": 1.0},
            "limit 'latency_ms' is known only after training, expected one ",
        ),
        (["params", "latency_ms"], {}, "objectives are params, latency_ms, expected at least one metric, such as"),
        (["mae", "min:width", "width"], {}, "objective width is given twice, expected each once"),
        (["latenc"], {}, r"objective 'latenc' does not exist, .*latency_ms, .*or MODULE:FUNCTION for a function"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(objectives: list[str], limits: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Problem.of(settings(objectives=objectives, limits=limits), data(), WIDTH if "width" in objectives else None)


def test_a_function_from_python_needs_a_name_of_its_own() -> None:
    with pytest.raises(ValueError, match=r"^own objective params has the name of a metric or a cost, expected another"):
        Problem.of(settings(), data(), {"params": (width, "min")})


def test_a_function_that_cannot_be_sent_is_refused_before_workers_start() -> None:
    lock = threading.Lock()
    given: OwnFunctions = {"cost": (lambda *_: float(lock.locked()), "min")}
    found = Problem.of(settings(), data(), given)
    assert worker_data(settings(backend="inline"), found).own == tuple(found.own.values())
    with pytest.raises(ValueError, match=r"^objective cost cannot be sent to workers: .*, or --backend inline$"):
        worker_data(settings(backend="ray"), found)


def test_the_best_is_judged_by_a_metric_where_a_function_comes_first() -> None:
    found = Problem.of(settings(objectives=["width", "params"]), data(), {"width": (width, "max")})
    assert dict(found.objectives) == {"width": "max", "params": "min"}
    assert found.main_metric == ("sentiment/mae", "min")

"""Whole searches on small data: the same front everywhere, after any interruption; and what they leave behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import haemsa.cluster.search.launch
from haemsa.cluster.run_directory.plain_models import PlainModels
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.run_directory.weights import WeightStore
from haemsa.cluster.search.launch import resume_search, run_search
from haemsa.cluster.search.problem import Problem
from haemsa.cluster.shared.progress import SilentProgress
from haemsa.cluster.tracking.records import GenerationEnded, ModelTrained, SearchEnded, SearchStarted
from haemsa.cluster.workers.cohort_trainer import CohortTrainer
from haemsa.model.bounds import within
from haemsa.model.data.folds import grouped
from haemsa.model.predictor.inputs import inputs_of
from haemsa.model.predictor.predictor import Predictor
from haemsa.model.spec.genome import Genome
from tests.support.cluster.memory_tracker import MemoryTracker
from tests.support.cluster.tiny import data, settings, stored
from tests.support.places import ROOT

pytestmark = pytest.mark.slow

GENERATIONAL = {"mode": "generational", "evaluations": 15, "validation": "folds:2", "seed": 3}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def whole(store: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The summary of an undisturbed generational search in this process, with its `run`."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    found = run_search(settings(data=str(store), run=str(run), **GENERATIONAL))
    return {**found.summary, "run": run}


def front(summary: Any) -> list[tuple[int, dict[str, float], str]]:
    return [(item["id"], item["scores"], json.dumps(item["genome"], sort_keys=True)) for item in summary["front"]]


class Notes(SilentProgress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, message: str) -> None:
        self.lines.append(message)


@pytest.mark.ray
def test_two_workers_find_the_front_that_this_process_finds(
    ray_cluster: None, store: Path, whole: dict[str, Any], tmp_path: Path
) -> None:
    config = settings(data=str(store), run=str(tmp_path / "run"), backend="ray", workers=2, **GENERATIONAL)
    found = run_search(config).summary
    assert front(found) == front(whole)
    assert found["best"] == whole["best"]


@pytest.mark.ray
def test_more_workers_than_the_cluster_has_room_for_are_refused(ray_cluster: None, store: Path, tmp_path: Path) -> None:
    config = settings(data=str(store), run=str(tmp_path / "run"), backend="ray", workers=3)
    with pytest.raises(ValueError, match="workers is 3, but the Ray cluster has room for 2"):
        run_search(config)
    assert not (tmp_path / "run").exists()


def test_an_interrupted_search_is_resumed_to_the_same_front(
    store: Path, whole: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(CohortTrainer):
        cohorts = 0

        def __call__(self, candidates: Any) -> Any:
            if Interrupted.cohorts == 3:
                raise KeyboardInterrupt
            Interrupted.cohorts += 1
            return super().__call__(candidates)

    memory = MemoryTracker()
    with monkeypatch.context() as patch:
        patch.setattr(haemsa.cluster.workers.factory, "CohortTrainer", Interrupted)
        patch.setattr(haemsa.cluster.search.launch, "tracker", lambda *_: memory)
        first = run_search(settings(data=str(store), run=str(tmp_path / "run"), **GENERATIONAL)).summary
    assert (first["ended_by"], first["evaluations"], first["plain"]) == ("interrupted", 9, None)
    (so_far,) = [record for record in memory.records if isinstance(record, ModelTrained)]
    assert not so_far.confirmed
    assert (so_far.what, so_far.measured) == (
        f"best network so far {first['best']['id']}",
        "in the search, by folds:2, not confirmed",
    )
    assert Predictor.load(tmp_path / "run" / "best").members
    second = resume_search(tmp_path / "run").summary
    assert (second["ended_by"], second["evaluations"]) == ("evaluations", 15)
    assert front(second) == front(whole)
    assert second["best"] == whole["best"]
    assert second["wall_seconds"] > first["wall_seconds"]


KILLED = """
import os, signal, sys
import haemsa.cluster.search.launch
from haemsa.cluster.config import SearchConfig
from haemsa.cluster.workers.cohort_trainer import CohortTrainer

class Killed(CohortTrainer):
    cohorts = 0
    def __call__(self, candidates):
        if Killed.cohorts == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        Killed.cohorts += 1
        return super().__call__(candidates)

haemsa.cluster.workers.factory.CohortTrainer = Killed
haemsa.cluster.search.launch.run_search(SearchConfig.load(sys.argv[1]))
"""


def test_a_search_whose_process_was_killed_is_resumed_to_the_same_front(
    store: Path, whole: dict[str, Any], tmp_path: Path
) -> None:
    config, run = tmp_path / "config.yaml", tmp_path / "run"
    config.write_text(settings(data=str(store), run=str(run), **GENERATIONAL).to_yaml())
    code = KILLED.replace("sys.argv[1]", "__import__('pathlib').Path(sys.argv[1])")
    ended = subprocess.run([sys.executable, "-c", code, str(config)], check=False, cwd=ROOT, env={**os.environ})
    assert ended.returncode == -signal.SIGKILL
    assert not (run / "summary.json").exists()
    notes = Notes()
    found = resume_search(run, notes).summary
    assert found["evaluations"] == 15
    assert front(found) == front(whole)
    again = resume_search(run, notes)
    assert again.summary == json.loads((run / "summary.json").read_text())
    assert notes.lines[-1] == f"the search in {run} has ended: 15 evaluations"


FULL = """
import resource, sys
from pathlib import Path
from haemsa.cluster.commands.main import main

resource.setrlimit(resource.RLIMIT_FSIZE, (48 * 1024, resource.RLIM_INFINITY))
sys.argv = ["haemsa", "search", "--config", sys.argv[1]]
main()
"""


def test_a_full_disk_stops_a_search_with_a_sentence_and_it_is_resumed_to_the_same_front(
    store: Path, whole: dict[str, Any], tmp_path: Path
) -> None:
    config, run = tmp_path / "config.yaml", tmp_path / "run"
    config.write_text(settings(data=str(store), run=str(run), **GENERATIONAL).to_yaml())
    command = [sys.executable, "-c", FULL, str(config)]
    ended = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 2, ended.stderr
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("haemsa: ")
    assert last.endswith(f"; what was recorded is safe, go on with haemsa search --resume {run}")
    assert not list(run.rglob("*.tmp"))
    assert front(resume_search(run).summary) == front(whole)


def test_a_search_that_has_ended_goes_on_with_a_larger_budget(store: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    given = {**GENERATIONAL, "evaluations": 12}
    run_search(settings(data=str(store), run=str(run), **given))
    longer = resume_search(run, changes={"evaluations": 18, "seed": 3})
    assert (longer.summary["ended_by"], longer.summary["evaluations"]) == ("evaluations", 18)
    at_once = run_search(settings(data=str(store), run=str(tmp_path / "at_once"), **{**given, "evaluations": 18}))
    assert front(longer.summary) == front(at_once.summary)


@pytest.mark.parametrize(("cohort", "taken"), [(2, 2), ("auto", 8)])
def test_a_search_goes_on_elsewhere_with_other_cohorts(
    store: Path, whole: dict[str, Any], tmp_path: Path, cohort: int | str, taken: int
) -> None:
    run = tmp_path / "run"
    run_search(settings(data=str(store), run=str(run), **{**GENERATIONAL, "evaluations": 6, "cohort": 4}))
    longer = resume_search(run, changes={"evaluations": 15, "cohort": cohort})
    assert [item["id"] for item in longer.summary["front"]] == [item["id"] for item in whole["front"]]
    with RunDirectory.open(run, read_only=True) as directory:
        assert directory.config().cohort == taken


def test_a_smaller_budget_leaves_a_search_that_has_ended_as_it_is(whole: dict[str, Any]) -> None:
    before, notes = (whole["run"] / "summary.json").read_bytes(), Notes()
    resume_search(whole["run"], notes, {"evaluations": 9, "time": 5.0})
    assert notes.lines == [f"the search in {whole['run']} has ended: 15 evaluations"]
    assert (whole["run"] / "summary.json").read_bytes() == before


def test_a_run_directory_that_moved_goes_on_by_its_new_name_and_by_no_other(
    whole: dict[str, Any], tmp_path: Path
) -> None:
    moved, notes = tmp_path / "moved", Notes()
    shutil.copytree(whole["run"], moved)
    resume_search(moved, notes, {"run": str(moved)})
    assert notes.lines == [f"the search in {moved} has ended: 15 evaluations"]
    with pytest.raises(ValueError, match=r"run is .* and cannot become '.*elsewhere' when the search is resumed"):
        resume_search(moved, notes, {"run": str(tmp_path / "elsewhere")})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 4}, "seed is 3 in .*whole and cannot become 4 when the search is resumed, expected changes of eval"),
        ({"objectives": ["mae"]}, r"objectives is \[\] in .*whole and cannot become \['mae'\]"),
        ({"evaluations": 0}, "setting evaluations is 0, expected"),
        ({"data": "planted"}, r"data planted has fingerprint \w{16}, the search began with \w{16}"),
    ],
)
def test_what_would_make_it_another_search_cannot_change(
    whole: dict[str, Any], changes: dict[str, Any], words: str
) -> None:
    before = (whole["run"] / "summary.json").read_bytes()
    with pytest.raises(ValueError, match=words):
        resume_search(whole["run"], changes={"confirm": 1, **changes})
    assert (whole["run"] / "summary.json").read_bytes() == before


def test_a_search_whose_data_has_changed_is_not_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = stored(tmp_path, "changing")
    monkeypatch.setattr(haemsa.cluster.workers.factory, "CohortTrainer", interrupting(CohortTrainer))
    run_search(settings(data=str(store), run=str(tmp_path / "run")))
    stored(tmp_path, "changing", data().take(np.arange(199)))
    with pytest.raises(ValueError, match=r"has fingerprint \w{16}, the search began with \w{16}"):
        resume_search(tmp_path / "run")


def interrupting(kind: Any) -> Any:
    class Interrupting(kind):  # type: ignore[misc]
        def __call__(self, candidates: Any) -> Any:
            raise KeyboardInterrupt

    return Interrupting


def test_a_search_without_a_single_score_ends_without_a_best(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(haemsa.cluster.workers.factory, "CohortTrainer", interrupting(CohortTrainer))
    found = run_search(settings(data=str(store), run=str(tmp_path / "run"))).summary
    assert (found["best"], found["front"], found["evaluations"]) == (None, [], 0)
    assert not (tmp_path / "run" / "best").exists()


def test_the_summary_has_what_the_design_lists(whole: dict[str, Any]) -> None:
    summary = json.loads((whole["run"] / "summary.json").read_text())
    assert {"evaluations", "failures", "wall_seconds", "worker_busy_fraction", "overhead_ms_per_evaluation"} <= set(
        summary
    )
    assert {"hypervolume", "front", "best", "seed"} <= set(summary)
    assert (summary["evaluations"], summary["failures"], summary["seed"]) == (15, 0, 3)
    plain, manifest = PlainModels.of(summary), json.loads((whole["run"] / "manifest.json").read_text())
    assert plain is not None
    assert manifest["constant"] == {"sentiment/mae": plain.scores["a constant"]}
    assert (plain.metric, plain.own) == ("sentiment/mae", summary["best"]["scores"]["sentiment/mae"])
    assert summary["best"]["id"] in [item["id"] for item in summary["front"]]
    for item in [summary["best"], *summary["front"]]:
        assert {"id", "genome", "scores"} <= set(item)
        assert Genome.from_dict(item["genome"])
        assert list(item["scores"])[:2] == ["sentiment/mae", "params"]


def test_a_search_begins_with_the_usual_designs_in_at_most_half_of_its_population(whole: dict[str, Any]) -> None:
    with RunDirectory.open(whole["run"], read_only=True) as directory:
        config, rows = directory.config(), sorted(directory.journal.rows(), key=lambda row: row.id)
    designs = Problem.of(config).plain_designs()[: int(config.population) // 2]
    assert len(designs) > 1
    assert [row.genome for row in rows[: len(designs)]] == designs
    assert not any(row.parents for row in rows[: int(config.population)])


def test_the_run_directory_is_complete(whole: dict[str, Any]) -> None:
    run = whole["run"]
    expected = {"config.yaml", "journal.sqlite", "states", "front.csv", "population.parquet", "best", "summary.json"}
    assert expected | {"search.log", "manifest.json"} <= {path.name for path in run.iterdir()}
    assert sorted(pd.read_csv(run / "front.csv")["id"]) == sorted(item["id"] for item in whole["front"])
    assert len(pd.read_parquet(run / "population.parquet")) == 15
    assert Genome.from_json((run / "best" / "genome.json").read_text()).to_dict() == whole["best"]["genome"]
    assert json.loads((run / "manifest.json").read_text())["fingerprint"] == data().fingerprint


def test_the_best_network_predicts_what_it_was_scored_on(whole: dict[str, Any]) -> None:
    predictor = Predictor.load(whole["run"] / "best")
    pool = data().pool()
    folds = grouped(pool, 2, seed=3)
    outputs = predictor.predict_members(inputs_of(pool))["sentiment"]
    labels, bounds = pool.tasks["sentiment"].targets, pool.tasks["sentiment"].bounds
    values = within(outputs[..., 0], bounds)
    errors = [np.abs(values[k, held] - labels[held]).mean() for k, held in enumerate(folds.held_out)]
    assert whole["best"]["scores"]["sentiment/mae"] == pytest.approx(np.mean(errors), abs=1e-5)


def test_weights_that_were_lost_are_trained_again(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"data": str(store), **GENERATIONAL}
    run_search(settings(run=str(tmp_path / "kept"), **options))
    monkeypatch.setattr(WeightStore, "load", lambda self, number, rung: {})
    run_search(settings(run=str(tmp_path / "lost"), **options))
    inputs = inputs_of(data())
    before, after = (Predictor.load(tmp_path / run / "best").predict(inputs) for run in ("kept", "lost"))
    np.testing.assert_allclose(after["sentiment"], before["sentiment"], atol=1e-4)


def test_a_tracker_hears_of_the_start_each_generation_the_model_and_the_end(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = MemoryTracker()
    monkeypatch.setattr(haemsa.cluster.search.launch, "tracker", lambda *_: memory)
    found = run_search(settings(data=str(store), run=str(tmp_path / "run"), name="mine", evaluations=12))
    kinds = [type(record) for record in memory.records]
    assert kinds == [SearchStarted, GenerationEnded, GenerationEnded, ModelTrained, SearchEnded]
    started, *_, trained, ended = memory.records
    assert isinstance(started, SearchStarted)
    assert isinstance(trained, ModelTrained)
    assert trained.confirmed
    assert trained.what == f"best network {found.summary['best']['id']}"
    assert isinstance(ended, SearchEnded)
    assert (started.name, started.data_name, started.fingerprint) == ("mine", "tiny", data().fingerprint)
    assert dict(started.objectives) == {"sentiment/mae": "min", "params": "min"}
    assert trained.score == found.summary["best"]["scores"]["sentiment/mae"]
    assert ended.status == "finished"
    assert found.model is None


def test_runs_without_a_directory_are_numbered_by_name(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(haemsa.cluster.workers.factory, "CohortTrainer", interrupting(CohortTrainer))
    assert [str(run_search(settings(data=str(store))).run) for _ in range(2)] == ["runs/tiny", "runs/tiny-2"]
    assert str(run_search(settings(data=str(store), name="mine")).run) == "runs/mine"
    with pytest.raises(ValueError, match=r"name is '\.\./mine', expected one that can be a folder's"):
        run_search(settings(data=str(store), name="../mine"))


def test_a_search_that_cannot_start_leaves_no_folder_behind(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> None:
        assert Path("runs/tiny").is_dir()  # no other search can take it
        raise ValueError("no Ray answers")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(haemsa.cluster.search.launch, "evaluator_for", unreachable)
    with pytest.raises(ValueError, match="no Ray answers"):
        run_search(settings(data=str(store)))
    assert list(tmp_path.iterdir()) == []


def test_a_search_on_a_network_file_system_begins_with_a_warning(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = Notes()
    monkeypatch.setattr(haemsa.cluster.workers.factory, "CohortTrainer", interrupting(CohortTrainer))
    monkeypatch.setattr(haemsa.cluster.search.launch, "network_warning", lambda path: f"{path.name} is far away")
    run_search(settings(data=str(store), run=str(tmp_path / "run")), notes)
    assert notes.lines[0] == "run is far away"
    assert "run is far away" in (tmp_path / "run" / "search.log").read_text()


def test_a_search_on_streamed_data_ends_as_one_on_data_in_memory(tmp_path: Path) -> None:
    path = stored(tmp_path)
    found = [
        run_search(settings(data=str(path), run=str(tmp_path / str(stream)), stream=stream, mode="generational"))
        for stream in (False, True)
    ]
    fronts = [[(item["genome"], item["scores"]) for item in result.summary["front"]] for result in found]
    assert fronts[0] == fronts[1]
    assert fronts[0]


def test_a_search_may_optimise_for_missing_modalities_from_end_to_end(tmp_path: Path) -> None:
    found = run_search(
        settings(data=str(stored(tmp_path)), run=str(tmp_path / "run"), objectives=["missing_mae", "params"], confirm=2)
    )
    assert found.summary["best"]["scores"]["sentiment/missing_mae"] > 0
    assert found.summary["ensemble"]["scores"]["sentiment/mae"] > 0

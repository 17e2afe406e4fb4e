"""Comparisons: judged by hand on small outputs, and one whole, small."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from rich.console import Console

from haemsa.cluster.comparison import compare as compare_module
from haemsa.cluster.comparison.ablate import ablate, ablations
from haemsa.cluster.comparison.classical_trials import TrialData, TrialWork, best_mixture, tuned_classical
from haemsa.cluster.comparison.compare import KEPT, checked, compare, is_ensemble, judge
from haemsa.cluster.comparison.contenders import ComparisonSetup, Tuned, begun
from haemsa.cluster.comparison.contenders import TestMetric as Metric
from haemsa.cluster.comparison.finals import Finals
from haemsa.cluster.comparison.report import compare_table
from haemsa.cluster.comparison.together import Together, together
from haemsa.cluster.config import SearchConfig
from haemsa.cluster.final_model.recipe import Recipe, read_recipe
from haemsa.cluster.final_model.train import train_predictor
from haemsa.cluster.final_model.trainer import Trainer
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.launch import run_search
from haemsa.cluster.search.problem import Problem, worker_data
from haemsa.cluster.shared.bootstrap import Difference, paired_difference
from haemsa.cluster.shared.kept import Kept
from haemsa.cluster.shared.progress import SilentProgress
from haemsa.cluster.workers.tasks.tasks import InlineTasks
from haemsa.model.baselines.classical import Classical
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.store.file import write
from haemsa.model.data.task import Task
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.tiny import data, problem, settings, stored
from tests.support.own_modules import write_module

pytestmark = pytest.mark.slow

MAE = Metric("sentiment", "mae", minimise=True)


def inner_samples() -> Dataset:
    """Test samples whose labels are so far within the bounds that no answer below is clipped."""
    test = data().part("test")
    return test.take(np.flatnonzero(np.abs(test.tasks["sentiment"].targets) <= 2.5))


def off_by(test: Dataset, *errors: float) -> np.ndarray:
    """Answers [S, N, 1] that miss each label by the error of their seed."""
    labels = test.tasks["sentiment"].targets
    return np.stack([labels + error for error in errors]).astype(np.float32)[..., None]


def test_models_are_judged_by_their_seeds_and_by_the_mean_of_their_answers() -> None:
    test = inner_samples()
    tuned = {name: Tuned(0.1, 3, Recipe(())) for name in ("best", "ridge")}
    given = {"best": off_by(test, 0.1, -0.3), "ridge": off_by(test, 0.5, 0.5)}
    found = judge(test, MAE, tuned, given, seed=0)
    assert found.models["best"]["mae"]["values"] == pytest.approx([0.1, 0.3], abs=1e-6)
    assert found.models["best, mean of seeds"]["mae"]["mean"] == pytest.approx(0.1, abs=1e-6)
    assert set(found.differences) == {"ridge", "ridge, mean of seeds"}
    difference = found.differences["ridge"]
    assert difference.mean == pytest.approx(-0.3, abs=1e-6)
    assert difference.wins(minimise=True)
    assert found.differences["ridge, mean of seeds"].mean == pytest.approx(-0.4, abs=1e-6)


def test_an_ensemble_that_a_model_brings_stands_for_the_mean_of_its_seeds() -> None:
    test = inner_samples()
    tuned = {name: Tuned(0.1, 3, Recipe(())) for name in ("best", "ensemble", "ridge", "svr")}
    given = {name: off_by(test, 0.1, 0.3) for name in tuned} | {"ridge, ensemble of trials": off_by(test, 0.05)}
    found = judge(test, MAE, tuned, given, seed=0)
    means = {name: found.models[name]["mae"]["mean"] for name in found.models if is_ensemble(name)}
    expected = {"best, mean of seeds": 0.2, "ensemble, mean of seeds": 0.2, "svr, mean of seeds": 0.2}
    assert means == pytest.approx({**expected, "ridge, ensemble of trials": 0.05}, abs=1e-6)
    assert found.of_ensembles["ridge, ensemble of trials"].mean == pytest.approx(0.15, abs=1e-6)


def test_the_tables_of_a_comparison_have_plain_names_and_say_what_an_interval_covers() -> None:
    test = inner_samples()
    tuned = {name: Tuned(0.1, 3, Recipe(())) for name in ("best", "ensemble", "ridge")}
    given = {"best": off_by(test, 0.1, -0.3), "ensemble": off_by(test, 0.1), "ridge": off_by(test, 0.5)}
    console = Console(width=110, record=True, file=io.StringIO())
    console.print(compare_table(judge(test, MAE, tuned, given | {"ridge, ensemble of trials": given["ridge"]}, seed=0)))
    lines = console.export_text().splitlines()
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    assert [row[0] for row in rows] == ["ensemble", "best", "ridge", "best", "ensemble", "ridge"]
    assert rows[2][1:5] == ["3", "0.100", "0.500", "-0.300"]
    assert rows[2][6] == "ahead"
    assert [row[1] for row in rows[3:]] == ["seeds", "seeds", "trials"]
    assert rows[5][6].startswith("-0.400")
    assert "A difference is the mae of ours minus that of the other; below 0, ours is better." in lines
    assert any("over test samples only; another search may differ" in line for line in lines)


def test_answers_beyond_the_bounds_are_judged_as_they_would_be_given() -> None:
    task = Task("regression", np.array([3.0, -3.0], np.float32), bounds=(-3.0, 3.0))
    assert MAE.metric(task, np.array([[4.0], [-2.0]])) == 0.5


def test_the_mixture_of_trials_is_the_one_that_errs_least_together() -> None:
    task = Task("regression", np.zeros(4, np.float32))
    models = [Classical("ridge", ("text",), {"alpha": float(k)}) for k in range(3)]
    answers = np.array([[1, 1, 1, 1], [-1, -1, -1, -1.2], [3, 3, 3, 3]], np.float32)[..., None]
    assert best_mixture(models, answers, task, MAE) == ((models[0], 1), (models[1], 1))


def test_an_interval_covers_what_chance_among_groups_allows() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 5)
    task = Task("regression", np.zeros(200, np.float32))
    # Each model errs alike on the samples of a group.
    ours, theirs = (np.repeat(rng.normal(size=40), 5)[None, :, None].astype(np.float32) for _ in range(2))
    alone = paired_difference("mae", task, np.arange(200), ours, theirs, rng)
    grouped = paired_difference("mae", task, groups, ours, theirs, rng)
    assert alone.mean == pytest.approx(grouped.mean)
    assert grouped.high - grouped.low > 1.3 * (alone.high - alone.low)


def test_of_few_groups_samples_are_drawn_and_what_is_undefined_is_no_win() -> None:
    rng = np.random.default_rng(1)
    task = Task("regression", np.zeros(300, np.float32))
    ours, theirs = (rng.normal(size=(1, 300, 1)).astype(np.float32) for _ in range(2))
    found = paired_difference("mae", task, np.zeros(300, np.int64), ours, theirs, rng)
    assert found.low < found.mean < found.high
    assert Difference(0.0, math.nan, math.nan).wins(minimise=False) is None
    assert Difference(-0.2, -0.3, -0.1).wins(minimise=True) is True
    assert Difference(-0.2, -0.3, -0.1).wins(minimise=False) is False


def test_the_same_answers_differ_by_nothing() -> None:
    task = Task("classes", np.arange(30) % 3, ("a", "b", "c"))
    answers = np.random.default_rng(0).normal(size=(2, 30, 3)).astype(np.float32)
    found = paired_difference("wf1", task, np.arange(30), answers, answers, np.random.default_rng(0))
    assert (found.mean, found.low, found.high) == (0, 0, 0)
    assert found.wins(minimise=False) is None


def test_a_whole_comparison_names_every_usual_model_and_reads_the_test_split_at_the_end(tmp_path: Path) -> None:
    store, run, out = stored(tmp_path), tmp_path / "run", tmp_path / "compared"
    config = tmp_path / "search.yaml"
    config.write_text(settings(data=str(store), evaluations=2, population=2, confirm=1).to_yaml())
    options = ("--config", config, "--run", run)
    assert haemsa("search", *options).status == 0
    asked = ("compare", "--run", run, "--trials", "2", "--seeds", "2", "--out", out)
    ran = haemsa(*asked, "--json", tmp_path / "x.json")
    assert ran.status == 0, ran.err
    found = json.loads((tmp_path / "x.json").read_text())
    names = {"best", "ensemble", "only_text", "only_audio", "only_vision", "early_fusion", "late_fusion"}
    names |= {"low_rank_fusion", "tensor_fusion", "cross_modal_attention", "flat_mixture"}
    names |= {"ridge", "svr", "boosting", "misa"}
    designs = names - {"best", "ensemble"}
    assert set(found["models"]) == names | {f"{name}, mean of seeds" for name in ("best", "ensemble")} | {
        f"{name}, ensemble of trials" for name in designs
    }
    assert {item["trials"] for name, item in found["tuned"].items() if name not in ("best", "ensemble")} == {2}
    assert {len(found["models"][name]["mae"]["values"]) for name in found["models"] if is_ensemble(name)} == {1}
    assert len(found["models"]["misa"]["mae"]["values"]) == 2
    assert len(found["models"]["ridge"]["mae"]["values"]) == 1
    assert (out / "compare.png").stat().st_size > 1000
    again = haemsa(
        "compare", "--run", run, "--trials", "2", "--seeds", "2", "--out", out, "--json", tmp_path / "y.json"
    )
    assert again.status == 0
    assert json.loads((tmp_path / "y.json").read_text()) == found


def test_an_ablation_takes_one_idea_away_at_a_time(tmp_path: Path) -> None:
    found = problem(objectives=["sentiment/mae", "params"])[0]
    changes = ablations(found, Metric.of(found), 20)
    assert list(changes) == ["no_hierarchy", "no_evolution", "no_transfer", "single_task"]
    assert changes["single_task"] == {"tasks": ["sentiment"], "objectives": ["mae", "params"]}
    for change in changes.values():
        config = SearchConfig.of({**settings().model_dump(), **change})
        genomes = [Problem.of(config, data()).space.sample(np.random.default_rng(seed)) for seed in range(20)]
        levels = [genome.network.levels for genome in genomes]
        if change.get("design") == "one_level":
            assert max(map(len, levels)) == 1
        if change.get("design") == "no_transfer":
            assert not any(level.transfer for every in levels for level in every if len(every[0].experts) > 1)
    alone = Problem.of(SearchConfig.of({**settings().model_dump(), **changes["single_task"]}), data())
    assert list(alone.pool.tasks) == ["sentiment"]
    assert list(alone.objectives) == ["mae", "params"]


def test_without_other_tasks_an_objective_of_ones_own_keeps_its_direction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write_module(tmp_path, monkeypatch)
    found = problem(objectives=["sentiment/mae", "emotion/uar", f"max:{name}:width"])[0]
    changes = ablations(found, Metric.of(found), 20)
    assert changes["single_task"]["objectives"] == ["mae", f"max:{name}:width"]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"design": "odd"}, "design 'odd' does not exist for this data, expected one of only_text"),
        ({"tasks": ["odd"]}, "task 'odd' does not exist in this data, expected one of sentiment, emotion"),
    ],
)
def test_a_design_or_task_that_does_not_exist_is_told(setting: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Problem.of(settings(**setting), data())


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("searched")
    run_search(settings(data=str(stored(folder)), run=str(folder / "run"), evaluations=2, population=2))
    return folder / "run"


def setup(config: SearchConfig, run: Path, out: Path = Path()) -> ComparisonSetup:
    return ComparisonSetup(config, run, out, trials=2)


def test_what_cannot_be_compared_is_told_before_any_training(searched: Path, tmp_path: Path) -> None:
    with RunDirectory.open(searched, read_only=True) as run:
        config = run.config()
    with pytest.raises(ValueError, match="0 seeds were asked for, expected 1 or more"):
        checked(setup(config, searched), 0)
    other = config.model_copy(update={"data": "planted"})
    with pytest.raises(ValueError, match=r"data planted has fingerprint .*, the search was on"):
        checked(setup(other, searched), 1)
    small = config.model_copy(update={"objectives": ["params", "sentiment/mae"]})
    with pytest.raises(ValueError, match=r"the first objective of .* is params, expected a metric"):
        checked(setup(small, searched), 1)
    write(data().pool(), tmp_path / "pool.h5")
    pool = config.model_copy(update={"data": str(tmp_path / "pool.h5")})
    with pytest.raises(ValueError, match="has no split 'test'"):
        checked(setup(pool, searched), 1)


def test_one_task_is_searched_trained_and_tested_alone(tmp_path: Path) -> None:
    path, run = stored(tmp_path), tmp_path / "run"
    run_search(settings(data=str(path), run=str(run), evaluations=2, population=2, tasks=["sentiment"]))
    recipe = read_recipe(str(run))
    predictor = train_predictor(Trainer.of(recipe, data()), str(path), seeds=1)
    assert list(predictor.tasks) == ["sentiment"]
    assert "other data" not in predictor.info["protocol"]


@pytest.mark.parametrize("kind", ["compare", "ablate"])
def test_permuted_test_labels_change_nothing_before_the_figures(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[dict[str, float], dict[str, np.ndarray]]] = []

    def remember(test: Dataset, judged: Metric, tuned: Any, given: Any, *_: object) -> Any:
        seen.append(({name: item.score for name, item in tuned.items()}, given))
        raise KeyboardInterrupt

    monkeypatch.setattr(compare_module, "judge", remember)
    monkeypatch.setattr(compare_module, "designs", lambda problem: ("only_text", "flat_mixture"))
    whole, tested = data(), data().splits["test"]
    order = np.arange(len(whole))
    order[tested] = np.random.default_rng(0).permutation(tested)
    tasks = {name: task.take(order) for name, task in whole.tasks.items()}
    for number, dataset in enumerate((whole, replace(whole, tasks=tasks))):
        folder = tmp_path / str(number)
        folder.mkdir()
        config = settings(data=str(stored(folder, dataset=dataset)), run=str(folder / "run"), evaluations=2)
        run_search(config.model_copy(update={"population": 2}))
        command = compare if kind == "compare" else ablate
        with pytest.raises(KeyboardInterrupt):
            command(setup(config, folder / "run", folder / "out"), 1, SilentProgress())
    (scores, given), (again, other) = seen
    assert scores == again
    assert all(np.array_equal(given[name], other[name]) for name in given)


def test_a_comparison_that_is_cut_off_tunes_and_trains_nothing_twice(
    searched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    write = Kept.write

    def cut_off_after(limit: int) -> Any:
        def count(kept: Kept, name: str, depends: Any, arrays: Any) -> None:
            write(kept, name, depends, arrays)
            made.append(name)
            if len(made) == limit:
                raise KeyboardInterrupt

        return count

    with RunDirectory.open(searched, read_only=True) as run:
        config = run.config()
    monkeypatch.setattr(compare_module, "designs", lambda problem: ("only_text",))
    monkeypatch.setattr(compare_module, "kinds", lambda task, modalities: ("ridge", "misa"))
    for limit in (3, 6):  # within the trials, and within final training
        monkeypatch.setattr(Kept, "write", cut_off_after(limit))
        with pytest.raises(KeyboardInterrupt):
            compare(setup(config, searched, tmp_path), 1, SilentProgress())
    monkeypatch.setattr(Kept, "write", cut_off_after(0))
    found = compare(setup(config, searched, tmp_path), 1, SilentProgress())
    names = ["best", "only_text", "ridge", "misa", "ridge+ensemble", "misa+ensemble"]
    trials = ["trial-ridge", "trial-misa"] * 2
    assert sorted(made) == sorted([*names, *trials])
    assert compare(setup(config, searched, tmp_path), 1, SilentProgress()).models == found.models
    assert len(made) == len(names) + len(trials)
    assert len(list((tmp_path / KEPT).iterdir())) == len(made)


@pytest.mark.ray
def test_on_workers_models_are_trained_and_tried_as_in_this_process(
    ray_cluster: None, searched: Path, tmp_path: Path
) -> None:
    with RunDirectory.open(searched, read_only=True) as run:
        config = run.config()
    problem, judged = checked(setup(config, searched), 1)
    ridge, best = Classical("ridge", ("text",), {"alpha": 1.0}), read_recipe(searched)
    models = {"best": best, "ridge": ((ridge, 1),), "odd": replace(best, tasks=("other",))}
    found = {}
    for backend in ("inline", "ray"):
        place = config.model_copy(update={"backend": backend, "workers": 2})
        with together(place, worker_data(place, problem), SilentProgress()) as side:
            finals = Finals(data(), problem, judged, place, 1, Kept(tmp_path / backend), side)

            def tried(side: Together = side) -> dict[str, Any]:
                with side.tasks(TrialWork, TrialData.of(problem, judged)) as tasks:
                    return {f"trial {number}": made["answers"] for number, made in tasks.run([ridge, ridge])}

            def trained(finals: Finals = finals) -> dict[str, Any]:
                return dict(finals.predictions(models, SilentProgress()))

            made, answers = side.run([trained, tried])
            found[backend] = made | answers
    for made in found.values():
        assert made.pop("odd").startswith("task 'other' does not exist in this data, expected one of sentiment")
    for name, answers in found["inline"].items():
        rounding = 0.0 if name == "best" else 1e-3  # arrays that were sent lie otherwise in memory
        np.testing.assert_allclose(found["ray"][name], answers, rtol=0, atol=rounding, err_msg=name)


def test_a_search_that_had_another_budget_than_the_others_is_made_again_with_theirs(
    searched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Notes(SilentProgress):
        lines: ClassVar[list[str]] = []

        def note(self, message: str) -> None:
            self.lines.append(message)

    monkeypatch.setattr(compare_module, "designs", lambda problem: ())
    monkeypatch.setattr(compare_module, "kinds", lambda task, modalities: ("ridge",))
    setup = begun(searched, None, 3, tmp_path / "out", Notes(), "compared")
    words = "searching again: 3 evaluations, because the search had 2 and all get the same"
    for trials in (2, 3):
        found = compare(replace(setup, trials=trials), 1, Notes())
        assert (found.tuned["best"].trials, found.tuned["ridge"].trials) == (trials, trials)
        assert (words in Notes.lines) == (trials == 3)


def test_trials_that_ended_are_not_run_again_where_tuning_was_cut_off(searched: Path, tmp_path: Path) -> None:
    with RunDirectory.open(searched, read_only=True) as run:
        problem, judged = checked(setup(run.config(), searched), 1)
    given, ran = TrialData.of(problem, judged), list[Classical]()

    def counting(data: TrialData) -> Any:
        def work(model: Classical) -> Any:
            ran.append(model)
            if len(ran) == 3:
                raise KeyboardInterrupt
            return TrialWork(data)(model)

        return work

    def tuned(trials: int) -> Tuned:
        tasks, kept = InlineTasks(counting, given), Kept(tmp_path)
        return tuned_classical(problem, given, "ridge", trials, 0, kept, SilentProgress(), tasks)

    with pytest.raises(KeyboardInterrupt):
        tuned(4)
    found = tuned(4)
    assert len(ran) == 3 + 2  # the third was cut off
    more = tuned(5)
    assert len(ran) == 6
    assert judged.minimise
    assert more.score <= found.score

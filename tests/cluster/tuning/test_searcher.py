"""The searcher under Tune's own contract (its test_searchers.py), and what it finds."""

from __future__ import annotations

import copy
import json
import logging
from pathlib import Path
from typing import Any

import moocore
import numpy as np
import pytest
from ray import cloudpickle, tune
from ray.tune.search import ConcurrencyLimiter, Searcher

from haemsa.cluster.tuning.searcher import EvolutionSearcher

SPACE = {f"x{n}": tune.uniform(0.0, 1.0) for n in range(6)}
TWO = {"metric": ["f1", "f2"], "mode": ["min", "min"]}


def zdt1(config: dict[str, Any]) -> dict[str, float]:
    """Front f2 = 1 - sqrt(f1)."""
    x = list(config.values())
    g = 1 + 9 * sum(x[1:]) / (len(x) - 1)
    return {"f1": x[0], "f2": g * (1 - (x[0] / g) ** 0.5)}


def run(searcher: Searcher, start: int, count: int) -> list[dict[str, Any]]:
    """Trials one after the other; returns their configurations."""
    configs = []
    for number in range(start, start + count):
        config = searcher.suggest(f"trial_{number}")
        assert isinstance(config, dict)
        configs.append(config)
        searcher.on_trial_complete(f"trial_{number}", zdt1(config))
    return configs


def test_it_dominates_more_than_random_search_in_as_many_trials() -> None:
    searcher = EvolutionSearcher(SPACE, **TWO, seed=0)
    found = np.array([list(zdt1(config).values()) for config in run(searcher, 0, 200)])
    rng = np.random.default_rng(0)
    drawn = np.array([list(zdt1(dict(zip(SPACE, rng.random(6), strict=True))).values()) for _ in range(200)])
    volumes = [moocore.hypervolume(points, ref=[1.1, 6.0]) for points in (found, drawn)]
    assert volumes[0] > 1.1 * volumes[1], volumes


def test_one_metric_is_maximised_as_well() -> None:
    searcher = EvolutionSearcher({"x": tune.uniform(0.0, 1.0)}, "score", "max", population_size=8)
    for number in range(60):
        config = searcher.suggest(str(number))
        searcher.on_trial_complete(str(number), {"score": -abs(config["x"] - 0.7)})
    (best,) = searcher.front()
    assert best["config"]["x"] == pytest.approx(0.7, abs=0.02)
    assert best["scores"]["score"] == -abs(best["config"]["x"] - 0.7)


def test_a_searcher_that_is_restored_suggests_what_the_saved_one_does(tmp_path: Path) -> None:
    searcher = EvolutionSearcher(SPACE, **TWO, seed=3, population_size=6)
    run(searcher, 0, 17)
    waiting = searcher.suggest("not_completed")
    searcher.save(str(tmp_path / "state.json"))
    restored = EvolutionSearcher()  # no other call is needed
    restored.restore(str(tmp_path / "state.json"))
    assert restored.suggest("not_completed") == waiting
    for one in (searcher, restored):
        one.on_trial_complete("not_completed", zdt1(waiting))
    assert run(restored, 17, 15) == run(searcher, 17, 15)
    assert restored.front() == searcher.front()
    assert (restored.metric, restored.mode) == (["f1", "f2"], ["min", "min"])


def test_the_contract_of_tune_for_saving_and_restoring(tmp_path: Path) -> None:
    path, result = str(tmp_path / "checkpoint.pkl"), {"training_iteration": 1, "metric": 1, "time_total_s": 1}

    def complete(searcher: Searcher, trial: str) -> None:
        searcher.on_trial_result(trial, result)
        searcher.on_trial_complete(trial, result)

    searcher = EvolutionSearcher()
    assert searcher.set_search_properties("metric", "max", {"a": tune.uniform(0.0, 5.0), "constant": 1})
    assert not searcher.set_search_properties("other", "min", {"b": tune.uniform(0.0, 5.0)})
    for trial in ("1", "2", "not_completed"):
        searcher.suggest(trial)
    complete(searcher, "1")
    searcher.save(path)
    restored = EvolutionSearcher()
    restored.restore(path)
    complete(restored, "2")
    assert set(restored.suggest("3")) == {"a"}
    complete(restored, "3")
    restored.on_trial_complete("not_completed", error=True)


def test_results_after_the_end_or_of_strangers_change_nothing(caplog: pytest.LogCaptureFixture) -> None:
    searcher = EvolutionSearcher(SPACE, **TWO)
    config = searcher.suggest("1")
    searcher.on_trial_complete("1", zdt1(config))
    with caplog.at_level(logging.WARNING, "cluster"):
        searcher.on_trial_result("1", zdt1(config))
        searcher.on_trial_complete("1", {"f1": -1.0, "f2": -1.0})
        searcher.on_trial_complete("stranger", {"f1": -1.0, "f2": -1.0})
    assert [item["scores"] for item in searcher.front()] == [zdt1(config)]
    assert "trial stranger is not one that was suggested" in caplog.text


@pytest.mark.parametrize(
    "result",
    [
        None,
        {},
        {"f1": 0.0},
        {"f1": 0.0, "f2": "none"},
        {"f1": 0.0, "f2": float("nan")},
        {"f1": float("-inf"), "f2": 0.0},
    ],
)
def test_a_trial_without_its_metrics_is_a_failure_and_never_on_the_front(result: Any) -> None:
    searcher = EvolutionSearcher(SPACE, **TWO, population_size=4)
    searcher.suggest("bad")
    searcher.on_trial_complete("bad", result)
    searcher.suggest("raised")
    searcher.on_trial_complete("raised", {"f1": -9.0, "f2": -9.0}, error=True)
    configs = run(searcher, 0, 12)
    assert all(item["config"] in configs for item in searcher.front())


def test_no_configuration_comes_twice_and_an_exhausted_space_ends_the_search() -> None:
    space = {"a": tune.randint(0, 3), "net": {"b": tune.choice(["x", "y"])}}
    searcher = EvolutionSearcher(space, "f", "min", population_size=3)
    seen = []
    for number in range(20):
        config = searcher.suggest(str(number))
        if config == Searcher.FINISHED:
            break
        assert searcher.suggest(str(number)) == config
        seen.append(json.dumps(config))
        searcher.on_trial_complete(str(number), {"f": config["a"]})
    assert len(seen) == len(set(seen)) == 6
    assert searcher.suggest("again") == Searcher.FINISHED


def test_a_limiter_holds_suggestions_back_until_a_trial_ends() -> None:
    searcher = ConcurrencyLimiter(EvolutionSearcher(SPACE, **TWO), max_concurrent=2)
    first, _ = searcher.suggest("1"), searcher.suggest("2")
    assert searcher.suggest("3") is None
    searcher.on_trial_complete("1", zdt1(first))
    assert searcher.suggest("3") is not None


def test_it_is_copied_and_pickled_as_tune_does_with_all_its_settings() -> None:
    searcher = EvolutionSearcher(SPACE, **TWO, population_size=4)
    run(searcher, 0, 9)
    copies = [copy.deepcopy(searcher), cloudpickle.loads(cloudpickle.dumps(searcher))]
    after = run(searcher, 9, 5)
    assert [run(one, 9, 5) for one in copies] == [after, after]


def test_choices_may_be_anything_if_the_space_is_given_again(tmp_path: Path) -> None:
    path, space = str(tmp_path / "state.json"), {"f": tune.choice([min, max, sum])}
    searcher = EvolutionSearcher(space, "loss", "min")
    assert searcher.suggest("1")["f"] in (min, max, sum)
    searcher.save(path)
    restored = EvolutionSearcher(space)
    restored.restore(path)
    assert restored.suggest("1") == searcher.suggest("1")
    with pytest.raises(ValueError, match="lacks choices that JSON does not hold, expected the space to be given"):
        EvolutionSearcher().restore(path)


def test_another_space_or_file_is_not_gone_on_with(tmp_path: Path) -> None:
    path = str(tmp_path / "state.json")
    EvolutionSearcher({"a": tune.uniform(0, 1)}, "loss", "min").save(path)
    with pytest.raises(ValueError, match=r"the saved search has the space .*'high': 1.*, this one .*'high': 2"):
        EvolutionSearcher({"a": tune.uniform(0, 2)}).restore(path)
    for text in ("{}", "[1]", "not JSON"):
        Path(path).write_text(text)
        with pytest.raises(ValueError, match="holds no state of an EvolutionSearcher of format 1"):
            EvolutionSearcher().restore(path)


@pytest.mark.parametrize(
    ("metric", "mode", "message"),
    [
        ("a", "lowest", "mode is 'lowest', expected min or max for each metric"),
        (["a", "b"], ["min", "obs"], "expected min or max for each metric"),
        (["a", "b"], ["min"], "as many of both"),
        (["a", "a"], ["min", "max"], "each name once"),
        (["a"], "min", "expected a name and a mode, or as many of both"),
        (None, ["min"], "metric is None and mode .'min'., expected a name and a mode"),
    ],
)
def test_metrics_and_modes_must_fit_each_other(metric: Any, mode: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EvolutionSearcher(SPACE, metric, mode)


def test_nothing_is_suggested_without_a_space_or_a_metric() -> None:
    with pytest.raises(RuntimeError, match="search space"):
        EvolutionSearcher(metric="a", mode="min").suggest("1")
    with pytest.raises(RuntimeError, match="metric"):
        EvolutionSearcher(SPACE, metric="a").suggest("1")


@pytest.mark.ray
def test_tune_runs_it_with_two_metrics_and_saves_it_as_json(
    ray_cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AIR_NEW_OUTPUT", "0")
    monkeypatch.setenv("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")

    class Trial(tune.Trainable):
        def setup(self, config: dict[str, Any]) -> None:
            self.given = config

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self.given = new_config
            return True

        def step(self) -> dict[str, Any]:
            x, y = self.given["x"], self.given["net"]["y"]
            assert self.given["constant"] == [1, 2]
            return {"big": float("nan") if x > 4 else x, "small": x + y, "done": True}

    searcher = EvolutionSearcher(metric=["big", "small"], mode=["max", "min"], population_size=4)
    space = {"x": tune.uniform(0.0, 5.0), "net": {"y": tune.choice([0, 1, 2])}, "constant": [1, 2]}
    tuner = tune.Tuner(
        Trial,
        param_space=space,
        tune_config=tune.TuneConfig(search_alg=searcher, num_samples=16, max_concurrent_trials=2, reuse_actors=True),
        run_config=tune.RunConfig(
            storage_path=str(tmp_path),
            name="two",
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    )
    results = tuner.fit()
    assert len(results) == 16 and not results.errors
    configs = [json.dumps(result.config) for result in results]
    assert len(set(configs)) == 16
    ended = [result.metrics for result in results if result.metrics["big"] <= 4]
    assert len(ended) < 16  # some were no numbers
    assert searcher.front()[0]["scores"]["big"] == max(metrics["big"] for metrics in ended)
    restored = EvolutionSearcher()
    restored.restore_from_dir(str(tmp_path / "two"))
    assert restored.front() == searcher.front()

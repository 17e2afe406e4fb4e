"""The commands that make a search again."""

from __future__ import annotations

import inspect
import shlex
from pathlib import Path

import pytest
import yaml

from haemsa.cluster.commands import main as cli
from haemsa.cluster.config import SearchConfig
from haemsa.cluster.report.next_steps import OPTIONS, next_commands, search_command
from tests.support.cluster.search_fakes import genome
from tests.support.cluster.trained import trained_model

BEST = {"id": 1, "genome": genome(1).to_dict()}


def test_only_what_differs_from_the_defaults_is_named() -> None:
    assert search_command(SearchConfig.of({"data": "planted"})) == (
        "haemsa search --data planted --evaluations 200",
        "",
    )
    given = {
        "data": "my data.h5", "time": "2m", "objectives": ["mae", "params"], "limits": {"params": 20000.0},
        "rungs": False, "population": 24, "mode": "generational", "gpus_per_worker": 0.25, "batch_size": 32,
    }  # fmt: skip
    command, settings = search_command(SearchConfig.of(given))
    assert shlex.split(command) == [
        "haemsa", "search", "--data", "my data.h5", "--time", "120s", "--objectives", "mae,params", "--limit",
        "params=20000", "--no-rungs", "--population", "24", "--mode", "generational", "--gpus-per-worker", "0.25",
        "--batch-size", "32",
    ]  # fmt: skip
    assert settings == ""


def test_what_is_no_option_goes_to_a_file() -> None:
    command, settings = search_command(SearchConfig.of({"data": "planted", "eta": 4, "space": {"max_levels": 1}}))
    assert command == "haemsa search --data planted --config search.yaml --evaluations 200"
    assert yaml.safe_load(settings) == {"eta": 4, "space": {"max_levels": 1}}


def test_addresses_and_places_of_one_machine_are_not_told() -> None:
    private = {"run": "/home/me/run", "tracking": "http://me:secret@host", "address": "host:6379"}
    command, settings = search_command(SearchConfig.of({"data": "planted", **private}))
    assert not any(value in command + settings for value in private.values())


def test_every_option_is_one_of_the_command_and_every_setting_is_told_somewhere() -> None:
    known = set(inspect.signature(cli.search).parameters)
    assert {name.removesuffix("s") if name == "limits" else name for name in OPTIONS} <= known
    assert set(OPTIONS) <= set(SearchConfig.model_fields)


def test_a_search_that_has_not_ended_goes_on_first() -> None:
    config, run = SearchConfig.of({"data": "data/mine.h5"}), Path("runs/mine")
    resume = "haemsa search --resume runs/mine"
    assert next_commands(run, config, None) == [resume]
    train, *_, compare = next_commands(run, config, {"ended_by": "evaluations", "best": BEST})
    assert train == "haemsa train runs/mine --data data/mine.h5 --seeds 5 --out models/mine"
    assert compare == "haemsa compare --run runs/mine"
    assert next_commands(run, config, {"ended_by": "interrupted", "best": BEST})[:2] == [resume, train]
    assert next_commands(run, config, {"ended_by": "interrupted", "best": None}) == [resume]


def test_where_every_candidate_failed_nothing_is_left_to_do() -> None:
    config = SearchConfig.of({"data": "data/mine.h5"})
    assert next_commands(Path("runs/mine"), config, {"ended_by": "evaluations", "best": None}) == []


def test_mlflow_is_named_where_it_was_told() -> None:
    ended = {"ended_by": "time", "best": BEST}
    for tracking in (None, "off"):
        config = SearchConfig.of({"data": "data/mine.h5", "tracking": tracking})
        assert ("haemsa ui" in next_commands(Path("runs/mine"), config, ended)) == (tracking is None)


def test_a_model_of_the_present_best_is_used_and_another_one_is_left_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config, ended = SearchConfig.of({"data": "mine.h5"}), {"ended_by": "time", "best": BEST}
    trained_model(Path("models/mine"), genome(2))
    train, evaluate, *_ = next_commands(Path("run"), config, ended)
    assert train == "haemsa train run --data mine.h5 --seeds 5 --out models/mine-2"
    assert evaluate == "haemsa evaluate models/mine-2 --data mine.h5 --missing"
    trained_model(Path("models/other"), genome(1))
    evaluate, predict, *_ = next_commands(Path("run"), config, ended)
    assert evaluate == "haemsa evaluate models/other --data mine.h5 --missing"
    assert predict == "haemsa predict models/other --data mine.h5 --out predictions.csv"

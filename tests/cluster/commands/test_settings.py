"""Settings on the command line: each can be given, once, and is judged as one in a file; help shows their defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from haemsa.cluster import api
from haemsa.cluster.commands.settings import default_words, given
from haemsa.cluster.config import DEFAULT_EVALUATIONS, SearchConfig
from tests.support.cluster.haemsa_command import haemsa


class TakenError(Exception):
    """Raised in place of a search: what it would have searched with."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings


@pytest.fixture(autouse=True)
def nothing_is_searched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def taken(config: Any, *_: object) -> None:
        raise TakenError(config)

    def resumed(path: Path, shown: object, changes: Any) -> None:
        raise TakenError(changes)

    def tuned(source: str, data: str, **settings: Any) -> None:
        raise TakenError(settings)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(api, "run_search", taken)
    monkeypatch.setattr(api, "resume_search", resumed)
    monkeypatch.setattr(api, "tune_genome", tuned)


def searched(*options: str) -> SearchConfig:
    with pytest.raises(TakenError) as found:
        haemsa("search", "--data", "planted", *options)
    settings: SearchConfig = found.value.settings
    return settings


def test_every_setting_can_be_given_by_its_key() -> None:
    for name, value in SearchConfig(data="planted").model_dump(mode="json").items():
        if name != "data":
            text = "null" if value is None else str(value).replace("'", "")
            assert name in searched("--set", f"{name}={text}").model_fields_set


def test_values_are_yaml() -> None:
    options = ["eta=2", "time=90s", "evaluations=null", "tasks=[mood, score]", "stream=false", "tracking=off"]
    config = searched(*(word for option in options for word in ("--set", option)))
    assert (config.eta, config.time, config.evaluations, config.tasks) == (2, 90.0, None, ["mood", "score"])
    assert (config.stream, config.tracking) == (False, "off")


def test_a_key_within_a_setting_leaves_the_others_of_the_file_as_they_are() -> None:
    Path("search.yaml").write_text("space: {widths: [8], max_levels: 1}\nlimits: {flops: 5000}\n")
    options = ["--set", "space.widths=[16]", "--set", "space.learning_rate=[1e-4, 1e-2]", "--set", "limits.params=3e4"]
    config = searched("--config", "search.yaml", *options)
    assert config.space == {"widths": [16], "max_levels": 1, "learning_rate": [1e-4, 1e-2]}
    assert config.limits == {"flops": 5000, "params": 30000}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["eta"], "setting is 'eta', expected KEY=VALUE, for example eta=2"),
        (["=3"], "setting is '=3', expected KEY=VALUE, for example eta=2"),
        (["space.=3"], "setting is 'space.=3', expected KEY=VALUE, for example eta=2"),
        (["eta=1"], "setting eta is 1, expected 2 or more"),
        (["etta=2"], "setting etta is unknown (did you mean eta?), expected one of data, name, "),
        (["eta.x=2"], "setting eta is {'x': 2}, expected integer"),
        (["space.width=[8]"], "setting space: bound 'width' does not exist, expected one of widths, "),
        (["space.widths=[8"], "setting space.widths is not readable YAML: "),
        (["eta=*other"], "setting eta is not readable YAML: aliases (*name) are not read"),
        (["seed=1", "seed=2"], "setting seed is given twice, expected one --set or one option for it"),
        (["space.widths=[8]", "space={}"], "setting space is given twice, "),
        (["data=digits"], "setting data is given twice, expected one --set or one option for it"),
    ],
)
def test_what_is_wrong_is_one_sentence(options: list[str], sentence: str) -> None:
    words = [word for option in options for word in ("--set", option)]
    assert haemsa("search", "--data", "planted", *words).sentence.startswith(sentence)


def test_a_search_is_resumed_with_settings_and_a_genome_is_tuned_with_them() -> None:
    with pytest.raises(TakenError) as found:
        haemsa("search", "--resume", "run", "--set", "candidate_time=1h", "--set", "time=null", "--evaluations", 50)
    assert found.value.settings == {"candidate_time": "1h", "time": None, "evaluations": 50}
    with pytest.raises(TakenError) as found:
        haemsa("tune", "run", "--data", "planted", "--set", "space.epochs=[4, 8]", "--set", "stream=true", "--seed", 3)
    settings = found.value.settings
    assert (settings["space.epochs"], settings["stream"], settings["seed"]) == ([4, 8], True, 3)
    assert haemsa("tune", "run", "--data", "planted", "--trials", 4, "--set", "evaluations=8").sentence == (
        "setting evaluations is given twice, expected one --set or one option for it"
    )


def test_keys_are_compared_by_their_parts() -> None:
    assert given({"time": "1h"}, ["time_x=1", "space.a=1", "space.ab=2"]) == {
        "time": "1h", "time_x": 1, "space.a": 1, "space.ab": 2
    }  # fmt: skip


def test_help_shows_the_defaults_that_the_configuration_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for _ in range(2):
        lines = [line for line in haemsa("search", "--help").out.splitlines() if "[default: " in line]
        shown = {line.strip("│ ").split(" ")[0]: line.rpartition("[default: ")[2].split("]")[0] for line in lines}
        assert shown["--evaluations"] == f"{DEFAULT_EVALUATIONS}, or no limit if time or patience is set"
        assert (shown["--confirm"], shown["--gpus-per-worker"], shown["--mode"]) == ("8", "0", "steady")
        assert (shown["--rungs"], shown["--patience"]) == ("--rungs", "never")
        assert shown["--name"] == "the name of the data"
    assert default_words("data") == default_words("resume") == default_words("limits") == ""

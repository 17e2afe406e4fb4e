"""Settings of a search: defaults, files, options, and the sentences for what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from haemsa.cluster.config import SearchConfig, commented_yaml, default_bounds, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90.0), ("30m", 1800.0), ("2h", 7200.0), ("1.5h", 5400.0), ("1d", 86400.0), ("45", 45.0)],
)
def test_durations_are_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    assert SearchConfig.of({"data": "planted", "time": text}).time == seconds


def test_a_search_without_any_limit_stops_after_200_evaluations() -> None:
    assert SearchConfig.of({"data": "planted"}).evaluations == 200


@pytest.mark.parametrize("limit", [{"time": "1h"}, {"patience": 3}])
def test_a_search_with_another_limit_has_no_limit_of_evaluations(limit: dict[str, Any]) -> None:
    assert SearchConfig.of({"data": "planted", **limit}).evaluations is None


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"evalutions": 3}, r"^setting evalutions is unknown \(did you mean evaluations\?\), expected"),
        ({"colour": "red"}, r"^setting colour is unknown, expected one of data, name, run, evaluations,"),
        ({"time": "soon"}, r"^setting time is 'soon', expected seconds, or a number with a unit"),
        ({"time": 0}, r"^setting time is 0(\.0)?, expected greater than 0$"),
        (
            {"validation": "folds:1"},
            r"^setting validation is 'folds:1', expected auto, holdout, holdout:SEEDS, folds:K with K of 2 or more, or "
            r"groups$",
        ),
        ({"workers": 0}, r"^setting workers is 0, expected 1 or more, or 'auto', or auto:MOST$"),
        ({"mode": "fast"}, r"^setting mode is 'fast', expected 'steady' or 'generational'$"),
        ({"population": 2.5}, r"^setting population is 2.5, expected integer or 'auto'$"),
        ({"seed": True}, r"^setting seed is True, expected integer$"),
        ({"limits": {"params": -1}}, r"^setting limits.params is -1(\.0)?, expected greater than 0$"),
        ({"objectives": ["mae", "mae"]}, r"^setting objectives is \['mae', 'mae'\], expected names, each once$"),
        ({"space": {"wdths": [8]}}, r"^setting space: bound 'wdths' does not exist, expected one of widths, "),
        ({"data": 3}, r"^setting data is 3, expected string$"),
    ],
)
def test_a_wrong_setting_gives_one_sentence_that_names_it(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        SearchConfig.of({"data": "planted", **settings})
    assert "\n" not in str(caught.value)


def test_options_replace_what_the_file_has_also_by_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("data: planted\nevaluations: 50\nseed: 3\nname: a\nlimits: {params: 1000}\n")
    config = SearchConfig.load(tmp_path / "a.yaml", {"evaluations": 10, "name": None, "limits.flops": 9})
    assert (config.evaluations, config.seed, config.name) == (10, 3, None)
    assert config.limits == {"params": 1000.0, "flops": 9.0}


def test_off_needs_no_quotes_in_yaml(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("data: planted\ntracking: off\n")
    assert SearchConfig.load(tmp_path / "a.yaml").tracking == "off"


def test_a_configuration_survives_its_own_yaml(tmp_path: Path) -> None:
    config = SearchConfig.of({"data": "x.pkl", "time": "30m", "space": {"widths": [8, 16]}, "objectives": ["mae"]})
    (tmp_path / "config.yaml").write_text(config.to_yaml())
    assert SearchConfig.load(tmp_path / "config.yaml") == config


def test_the_commented_default_holds_every_setting_and_is_the_default(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(commented_yaml())
    assert sorted(yaml.safe_load(commented_yaml())) == sorted(SearchConfig.model_fields)
    assert SearchConfig.load(tmp_path / "config.yaml") == SearchConfig.of({"data": "planted"})
    assert all(f"#   {name}: " in commented_yaml() for name in default_bounds())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- 1\n", "holds list, expected settings"),
        ("a: [", "is not readable YAML"),
        ("1: 2\n", "holds dict, expected"),
        ("name: !!bool x", "is not readable YAML"),
        ("data: &a [x, x]\nname: [*a, *a]\n", r"is not readable YAML: aliases \(\*name\) are not read"),
    ],
)
def test_a_file_that_holds_no_settings_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ValueError, match=sentence):
        SearchConfig.load(tmp_path / "a.yaml", {"data": "planted"})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no\.yaml is no file, expected a configuration in YAML"):
        SearchConfig.load(tmp_path / "no.yaml")


def test_settings_of_former_versions_are_read() -> None:
    config = SearchConfig.of({"data": "planted", "score": "folds:4", "inherit": False})
    assert config == SearchConfig.of({"data": "planted", "validation": "folds:4"})

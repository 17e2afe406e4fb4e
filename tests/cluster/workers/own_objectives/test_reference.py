"""The function that a setting means."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from haemsa.cluster.workers.own_objectives.reference import Reference, find, is_reference, of_given
from tests.support.own_modules import write_module


def cost(predictions: Any, labels: Any, genome: Any) -> float:
    return 1.0


@pytest.mark.parametrize(
    ("text", "direction", "name"),
    [
        ("mymodule:cost", "min", "mymodule:cost"),
        ("max:my.module:cost", "max", "my.module:cost"),
        ("min:min:cost", "min", "min:cost"),
        ("max:profit", "max", "profit"),
    ],
)
def test_a_direction_may_come_before_it(text: str, direction: str, name: str) -> None:
    reference = Reference.parse(text)
    assert (reference.direction, reference.name) == (direction, name)


@pytest.mark.parametrize("text", ["big:mymodule:cost", "mymodule:", ":cost", "min:", "my module:cost", "a:b:c:d"])
def test_what_is_no_reference_is_told_what_one_is(text: str) -> None:
    with pytest.raises(ValueError, match=rf"^objective '{text}' is no function, expected MODULE:FUNCTION, min:MODULE:"):
        Reference.parse(text)


def test_metrics_and_costs_are_no_references() -> None:
    assert not any(map(is_reference, ("mae", "emotion/missing_wf1", "latency_ms")))


def test_a_module_of_the_current_folder_is_found_and_the_path_of_imports_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, before = write_module(tmp_path, monkeypatch), list(sys.path)
    own = find(f"max:{name}:cost", {})
    assert (own.name, own.direction, own.folder) == (f"{name}:cost", "max", str(tmp_path))
    assert own.function.__module__ == name
    assert sys.path == before


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("profit", r"module \w+ has no profit, expected a function of it: cost, failing, of_two, width$"),
        ("number", r"is '3', expected a function$"),
        ("of_two", r"takes \(predictions, labels\), expected to call it with \(predictions, labels, genome\)$"),
    ],
)
def test_a_function_that_cannot_be_called_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, sentence: str
) -> None:
    name = write_module(tmp_path, monkeypatch)
    with pytest.raises(ValueError, match=sentence):
        find(f"{name}:{function}", {})


def test_a_module_that_is_nowhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=rf"module no.where is neither in {tmp_path} nor installed, expected MODULE"):
        find("no.where:cost", {})


@pytest.mark.parametrize(("code", "why"), [("1 / 0", "ZeroDivisionError"), ("import nowhere_at_all", "ModuleNotFound")])
def test_a_module_that_cannot_be_imported_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, why: str
) -> None:
    name = write_module(tmp_path, monkeypatch, code)
    with pytest.raises(ValueError, match=rf"^objective {name}:cost: module {name} cannot be imported: {why}"):
        find(f"{name}:cost", {})


def test_a_function_from_python_is_found_by_its_name_and_must_be_given_again() -> None:
    own = find("min:cost", {"cost": (cost, "min")})
    assert (own.name, own.reference, own.function) == ("cost", "min:cost", cost)
    assert own.digest == of_given("cost", {"cost": (cost, "min")}).digest != ""
    with pytest.raises(ValueError, match=r"'min:cost' is a function that is given from .*own_objectives={'cost'"):
        find("min:cost", {})
    with pytest.raises(ValueError, match=r"^objective cost has direction 'max', expected 'min'$"):
        find("min:cost", {"cost": (cost, "max")})


@pytest.mark.parametrize(
    ("name", "pair", "sentence"),
    [
        ("my cost", (cost, "min"), "own objective 'my cost' has no good name"),
        ("cost", cost, r"own objective cost is <function .*, expected \(function, 'min'\) or \(function, 'max'\)"),
        ("cost", (cost, "less"), r"expected \(function, 'min'\) or \(function, 'max'\)"),
        ("cost", (3, "min"), "objective cost is '3', expected a function"),
    ],
)
def test_what_is_given_from_python_is_checked(name: str, pair: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        of_given(name, {name: pair})

"""Plain models beside a network."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

from haemsa.cluster.run_directory.plain_models import Constant, PlainModels
from haemsa.evo.candidate import Score
from tests.support.cluster.tiny import data

PLAIN = PlainModels("mae", "min", 0.5, {"a linear model": 0.4, "a constant": 0.3})


def test_the_best_plain_model_is_named_if_it_is_better_than_the_network() -> None:
    assert PLAIN.warning() == [
        "A constant is better than the best network: its mae is 0.3, that of the best network 0.5, on the same "
        "held-out samples. Search longer, or use that model."
    ]
    assert replace(PLAIN, own=0.35).better == "a constant"
    assert (replace(PLAIN, own=0.3).better, replace(PLAIN, own=0.3).warning()) == (None, [])
    rising = replace(PLAIN, direction="max", own=0.35)
    assert rising.warning("this model")[0].startswith("A linear model is better than this model: its mae is 0.4,")
    assert replace(PLAIN, scores={}).better is None


def test_what_was_kept_as_json_is_read_again() -> None:
    assert PlainModels.of({"plain": asdict(PLAIN)}) == PLAIN
    assert PlainModels.of({"plain": None}) is PlainModels.of({}) is PlainModels.of(None) is None


def test_a_network_is_no_better_than_a_constant_if_it_is_better_in_no_metric() -> None:
    objectives = {"mae": "min", "params": "min", "corr": "max"}
    constant = Constant.of({"constant": {"mae": 1.2, "corr": 0.0, "other": 3.0}}, objectives)
    assert constant.words == "a constant (mae 1.2, corr 0)"
    assert constant.beats({"mae": Score(1.2), "corr": Score(0.0)})
    assert not constant.beats({"mae": Score(1.2), "corr": Score(0.1)})
    assert not constant.beats({"mae": Score(1.1), "corr": Score(-0.1)})
    assert not Constant.of({}, objectives).beats({"mae": Score(9.9)})


def test_a_linear_model_that_cannot_be_fitted_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> float:
        raise ValueError("only one class")

    pool = data().pool()
    held_out = np.arange(len(pool))[None] % 2 == 0
    monkeypatch.setattr("haemsa.model.baselines.over_folds.linear_score", fail)
    assert list(PlainModels.beside(0.5, "sentiment/mae", "min", pool, held_out, 0).scores) == ["a constant"]
    assert "a linear model could not be fitted: only one class" in caplog.text

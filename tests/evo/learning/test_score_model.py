"""A model of scores learns beside a search, and a search that was killed goes on with the same one."""

from __future__ import annotations

import json

import numpy as np
import pytest

from haemsa.evo.candidate import Failure
from haemsa.evo.learning.score_forest import TREES, ScoreForest
from haemsa.evo.learning.score_model import LEAST, REFIT, ScoreModel
from haemsa.evo.settings import Mode
from tests.support.evo.lines import HIDDEN, Point, run, search
from tests.support.evo.lines import outcome as outcome_of


def model_of(mode: Mode = "steady") -> ScoreModel[Point]:
    evolution = search(mode)
    run(evolution, 60)
    model = evolution._parts.model
    assert model is not None
    return model


def test_a_forest_learns_what_genes_do_and_what_more_training_brings() -> None:
    rng = np.random.default_rng(0)
    genes, rungs = rng.random((300, 2)), rng.integers(0, 2, 300)
    losses = (genes[:, :1] + 2.0 * (rungs == 0)[:, None]) * [[1.0, -100.0]]
    forest = ScoreForest(genes, rungs, losses, seed=0)
    asked = np.array([[0.2, 0.5], [0.8, 0.5]])
    for rung, expected in ((0, [2.2, 2.8]), (1, [0.2, 0.8])):
        draws = forest.draws(asked, rung)
        assert draws.shape == (TREES, 2, 2)
        assert draws.mean(axis=0)[:, 0] == pytest.approx(expected, abs=0.25)
        assert draws.mean(axis=0)[:, 1] == pytest.approx([-100 * value for value in expected], abs=25)


def test_nothing_is_learnt_from_few_outcomes() -> None:
    evolution = search()
    run(evolution, LEAST // 2)
    model = evolution._parts.model
    assert model is not None
    assert not model.ready


def test_what_the_space_knows_is_not_learnt() -> None:
    model = model_of()
    assert model.learnt == [0]
    draws = model.draws([(HIDDEN, 0.25), (1.0, 0.75)])
    assert (draws[:, :, 1] == [0.25, 0.75]).all()
    near, far = draws[:, :, 0].mean(axis=0)
    assert near < 0.2 < far


def test_a_failure_teaches_nothing() -> None:
    evolution = search()
    (candidate,) = evolution.ask(1)
    evolution.tell(candidate, Failure("nan", "the loss is not finite"))
    assert evolution._parts.model is not None
    assert evolution._parts.model.state_dict() == {"learnt": False, "after": [], "begun": None}


def test_the_next_forest_is_made_after_enough_outcomes() -> None:
    model = model_of()
    assert len(model.state_dict()["after"]) < LEAST + 2 * REFIT


@pytest.mark.parametrize("mode", ["steady", "generational"])
@pytest.mark.parametrize("before", [30, 75, 110])
def test_a_search_that_was_stopped_goes_on_with_the_same_children(mode: Mode, before: int) -> None:
    whole = search(mode)
    run(whole, before)
    saved = json.loads(json.dumps(whole.state_dict(list)))
    resumed = search(mode)
    resumed.load_state_dict(saved, tuple)
    run(whole, before + 60)
    run(resumed, before + 60)
    assert [record.genome for record in resumed.front()] == [record.genome for record in whole.front()]
    assert resumed.state_dict(list, rows=False) == whole.state_dict(list, rows=False)


def test_a_generational_search_learns_the_same_whatever_the_order_of_outcomes() -> None:
    fronts = []
    for order in (1, -1):
        evolution = search("generational")
        while batch := evolution.ask(12, new=max(0, min(12, 120 - evolution.given))):
            for candidate in batch[::order]:
                evolution.tell(candidate, outcome_of(candidate))
        fronts.append([record.genome for record in evolution.front()])
    assert fronts[0] == fronts[1]


def test_a_state_from_before_there_was_a_model_is_learnt_from_anew() -> None:
    model = model_of()
    model.load_state_dict(None)
    assert len(model.state_dict()["after"]) == sum(map(len, model.archive.outcomes.values()))

"""Search spaces of Ray Tune as ours, and ours as JSON and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ray import tune

from haemsa.cluster.tuning.searcher_space import space_from_json, space_of, space_to_json
from haemsa.evo.parameter_space import Choice, Real, Whole

SPACE = {
    "rate": tune.loguniform(1e-4, 1e-1),
    "batch": 32,
    "net": {"units": tune.qrandint(6, 30, 8), "layers": tune.randint(1, 4), "share": tune.quniform(0.0, 0.5, 0.1)},
    "act": tune.choice(["relu", None, True]),
    "kernel": tune.lograndint(1, 9),
}


def test_every_bounded_domain_has_its_parameter_and_constants_none() -> None:
    space = space_of(SPACE)
    assert space is not None
    assert space.parameters == {
        ("rate",): Real(1e-4, 1e-1, logarithmic=True),
        ("net", "units"): Whole(8, 24, step=8),
        ("net", "layers"): Whole(1, 3),
        ("net", "share"): Real(0.0, 0.5, step=0.1),
        ("act",): Choice(("relu", None, True)),
        ("kernel",): Whole(1, 8, logarithmic=True),
    }
    assert space_of({"batch": 32, "net": {"layers": 2}}) is None


@pytest.mark.parametrize("domain", [tune.uniform(0, 1), tune.lograndint(2, 40), tune.qrandint(0, 20, 5)])
def test_values_are_those_that_tune_itself_may_draw(domain: Any) -> None:
    space = space_of({"x": domain})
    assert space is not None
    ours = [space.values((place,))["x"] for place in (0.0, 0.1, 0.5, 0.9, 1.0)]
    theirs = [domain.sample(random_state=seed) for seed in range(300)]
    assert type(ours[0]) is type(theirs[0])
    assert min(ours) <= min(theirs) and max(theirs) <= max(ours)
    assert isinstance(ours[0], float) or {*theirs} >= {*ours}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"net": {"x": tune.grid_search([1, 2])}}, "parameter net/x is a grid, expected uniform, loguniform"),
        ({"x": tune.sample_from(lambda: 1)}, "parameter x is drawn by Function"),
        ({"x": tune.randn(0, 1)}, "parameter x is drawn by Float Normal"),
        ({"xs": [1, tune.uniform(0, 1)]}, "parameter xs/1 lies within a list"),
    ],
)
def test_what_cannot_be_bred_is_named(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        space_of(config)


def test_a_space_goes_through_json_unchanged() -> None:
    space = space_of(SPACE)
    assert space is not None
    saved = json.loads(json.dumps(space_to_json(space)))
    assert space_from_json(saved).parameters == space.parameters


@pytest.mark.parametrize("value", [len, (1, 2), {1: 2}, float("nan")])
def test_choices_that_json_does_not_hold_as_they_are_are_not_saved(value: object) -> None:
    space = space_of({"x": tune.choice([1, value])})
    assert space is not None
    assert space_to_json(space) is None

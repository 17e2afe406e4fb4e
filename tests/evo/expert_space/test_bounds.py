import re
from typing import Any, get_args

import numpy as np
import pytest

from haemsa.evo.expert_space.bounds import CHOICES, NAMES, RANGES, TRAINING, Bounds, without_removed
from haemsa.model.spec.training import LossKind


@pytest.mark.parametrize("name", RANGES)
def test_real_genes_stay_in_their_range_at_three_digits_and_come_back_from_their_place(name: str) -> None:
    bounds, rng = Bounds(), np.random.default_rng(0)
    low, high = getattr(bounds, name)
    for _ in range(200):
        value = bounds.at(name, rng.normal(0.5, 0.5))
        assert low <= value <= high
        assert value == float(f"{value:.3g}")
        assert bounds.at(name, bounds.place(name, value)) == value
    assert (bounds.at(name, -9.0), bounds.at(name, 9.0)) == (low, high)


def test_the_place_of_a_scale_is_in_its_magnitudes() -> None:
    bounds = Bounds(weight_decay=(1e-4, 1.0), dropout=(0.0, 0.8))
    assert bounds.place("weight_decay", 1e-2) == pytest.approx(0.5)
    assert (bounds.place("dropout", 0.2), bounds.place("dropout", 9.0)) == (0.25, 1.0)


@pytest.mark.parametrize("name", NAMES)
def test_all_other_names_are_neighbours(name: str) -> None:
    bounds = Bounds(losses=get_args(LossKind))
    value = getattr(bounds, name)[0]
    assert set(bounds.neighbours(name, value)) == set(getattr(bounds, name)) - {value}


def test_a_single_name_stays() -> None:
    assert Bounds(losses=("l1",)).neighbours("losses", "l1") == ("l1",)


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_has_the_next_smaller_and_larger_as_neighbours_or_itself_at_an_end(name: str) -> None:
    bounds = Bounds()
    choices = getattr(bounds, name)
    found = [bounds.neighbours(name, choice) for choice in choices]
    assert found == list(zip((choices[0], *choices[:-1]), (*choices[1:], choices[-1]), strict=True))


def test_a_scale_is_drawn_evenly_over_its_magnitudes() -> None:
    bounds, rng = Bounds(weight_decay=(1e-4, 1.0)), np.random.default_rng(0)
    drawn = np.array([bounds.draw("weight_decay", rng) for _ in range(2000)])
    assert 0.45 < (drawn < 1e-2).mean() < 0.55


def test_the_nearest_choice_is_taken_and_the_smaller_of_two() -> None:
    bounds = Bounds(widths=(8, 16))
    assert [bounds.nearest("widths", value) for value in (1, 12, 13, 99)] == [8, 8, 16, 16]


def test_below_is_the_next_smaller_choice_or_the_smallest() -> None:
    bounds = Bounds(widths=(8, 16))
    assert [bounds.below("widths", value) for value in (99, 16, 8)] == [16, 8, 8]


def test_a_range_of_one_value_gives_that_value() -> None:
    bounds, rng = Bounds(dropout=(0.2, 0.2)), np.random.default_rng(0)
    assert (bounds.draw("dropout", rng), bounds.place("dropout", 0.2), bounds.at("dropout", 0.7)) == (0.2, 0.0, 0.2)


def test_a_configuration_is_read_over_the_defaults() -> None:
    bounds = Bounds.from_dict({"widths": [32, 16, 16], "dropout": [0, 0.5]})
    assert bounds == Bounds(widths=(16, 32), dropout=(0.0, 0.5))
    assert bounds.epochs == Bounds().epochs
    assert Bounds.from_dict({"expert_kinds": ["tensor", "mlp", "mlp"]}).expert_kinds == ("mlp", "tensor")
    assert Bounds.from_dict({"losses": ["l1", "huber"]}).losses == ("huber", "l1")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"width": [8]}, "bound 'width' does not exist, expected one of widths, expert_widths"),
        ({"widths": []}, "bound widths is [], expected a list of positive whole numbers"),
        ({"widths": [8.5]}, "bound widths is [8.5], expected a list"),
        ({"widths": [0, 8]}, "bound widths is [0, 8], expected a list"),
        ({"widths": 8}, "bound widths is 8, expected a list"),
        ({"widths": [8, 9999]}, "expected 1 to 4096"),
        ({"dropout": [0.5, 0.1]}, "bound dropout is [0.5, 0.1], expected two numbers [low, high]"),
        ({"dropout": [0, 1.5]}, "dropout is 1.5, expected 0 to 0.95"),
        ({"dropout": "high"}, "bound dropout is 'high', expected two numbers"),
        ({"learning_rate": [0, 0.1]}, "logarithmic scale"),
        (
            {"expert_kinds": ["mlp", "max"]},
            "bound expert_kinds is ['mlp', 'max'], expected a list of some of mlp, gated, low_rank",
        ),
        ({"expert_kinds": ["tensor"]}, "expected one of mlp, gated, low_rank among them"),
        ({"expert_kinds": "mlp"}, "bound expert_kinds is 'mlp', expected a list of some of mlp, gated"),
        ({"expert_kinds": [["mlp"]]}, "bound expert_kinds is [['mlp']], expected a list of some of"),
        ({"losses": ["l2"]}, "bound losses is ['l2'], expected a list of some of huber, l1"),
        ({"losses": []}, "bound losses is [], expected a list of some of huber, l1"),
        ({"losses": ["ordinal"]}, "bound losses is ['ordinal'], expected a list of some of huber, l1"),
        ({"task_weight": [0, 1]}, "bound task_weight is [0, 1], expected numbers above 0"),
        ({"distillation": [0, 1.5]}, "distillation is 1.5, expected 0 to 1"),
        ({"mixing": [0, 0.5]}, "bound 'mixing' does not exist any more, because its gene never won: leave it out"),
        ({"schedules": ["constant"]}, "bound 'schedules' does not exist any more, because its gene never won"),
        ({"max_levels": 99}, "bound max_levels is 99, expected a whole number from 0 to 16"),
        ({"max_experts": True}, "bound max_experts is True, expected a whole number"),
    ],
)
def test_a_wrong_bound_is_named(data: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Bounds.from_dict(data)


@pytest.mark.parametrize(
    ("old", "kept"),
    [
        ({}, {}),
        ({"mixing": [0, 0.5], "label_noise": [0, 0.5], "warmup": [0, 0.3], "epochs": [2]}, {"epochs": [2]}),
        ({"schedules": ["cosine"], "losses": ["ordinal", "l1"]}, {"losses": ["l1"]}),
        ({"losses": ["ordinal"]}, {"losses": ["huber"]}),
        ({"losses": 5, "width": [8]}, {"losses": 5, "width": [8]}),  # what is wrong stays, to be named
    ],
)
def test_old_bounds_are_read_without_those_of_genes_that_went(old: dict[str, Any], kept: dict[str, Any]) -> None:
    assert without_removed(old) == kept


def test_every_training_gene_has_a_range() -> None:
    assert set(TRAINING) < set(RANGES)

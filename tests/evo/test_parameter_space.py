"""Parameters of any kind, and the operators that breed them."""

from __future__ import annotations

import json
import random
from collections import Counter

import numpy as np
import pytest

from haemsa.evo import Evolution, SpaceExhausted
from haemsa.evo.parameter_space import Choice, Parameter, ParameterSpace, Real, Whole

MIXED = ParameterSpace(
    {
        ("rate",): Real(1e-4, 1e-1, logarithmic=True),
        ("share",): Real(0.0, 1.0, step=0.25),
        ("net", "layers"): Whole(1, 3),
        ("net", "units"): Whole(8, 64, step=8),
        ("act",): Choice(("relu", "tanh", None)),
    }
)


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        (Real(2.0, 4.0), [2.0, 2.5, 3.0, 3.5, 4.0]),
        (Real(1.0, 10_000.0, logarithmic=True), [1.0, 10.0, 100.0, 1000.0, 10_000.0]),
        (Real(0.0, 1.0, step=0.5), [0.0, 0.5, 0.5, 1.0, 1.0]),
        (Whole(1, 4), [1, 2, 3, 4, 4]),
        (Whole(10, 40, step=10), [10, 20, 30, 40, 40]),
        (Whole(1, 255, logarithmic=True), [1, 4, 16, 64, 255]),
        (Whole(7, 7), [7, 7, 7, 7, 7]),
        (Choice(("a", "b", "c", "d")), ["a", "b", "c", "d", "d"]),
    ],
)
def test_places_are_spread_evenly_over_the_values_on_their_scale(parameter: Parameter, values: list[object]) -> None:
    found = [parameter.value(place) for place in (0.0, 0.2501, 0.5001, 0.7501, 1.0)]
    assert found == [pytest.approx(value, rel=2e-3) if isinstance(value, float) else value for value in values]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: Real(2.0, 1.0), "a real number has low 2.0 and high 1.0, expected low to be at most high"),
        (lambda: Real(0.0, float("inf")), "low 0.0 and high inf"),
        (lambda: Real(0.0, 1.0, logarithmic=True), "low 0.0, expected more than 0 on a logarithmic scale"),
        (lambda: Real(0.0, 1.0, step=0.0), "step 0.0, expected more than 0"),
        (lambda: Whole(1, 10, step=5), "from 1 to 10, expected multiples of 5"),
        (lambda: Choice(()), "a choice has no values"),
        (lambda: ParameterSpace({}), "the space has no parameters"),
    ],
)
def test_parameters_that_cannot_be_are_refused(made: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made()  # type: ignore[operator]


def test_a_genome_stands_for_nested_dictionaries() -> None:
    assert MIXED.values((0.0, 0.5, 0.0, 1.0, 1.0)) == {
        "rate": pytest.approx(1e-4),
        "share": 0.5,
        "net": {"layers": 1, "units": 64},
        "act": None,
    }


def test_genomes_of_the_same_values_share_a_key() -> None:
    assert MIXED.key((0.5, 0.45, 0.1, 0.99, 0.7)) == MIXED.key((0.5, 0.55, 0.3, 0.9, 0.9))
    assert MIXED.key((0.5, 0.45, 0.1, 0.99, 0.7)) != MIXED.key((0.5, 0.45, 0.4, 0.99, 0.7))
    assert len(json.loads(MIXED.key((0.5,) * 5))) == 5


def test_children_and_mutants_stay_within_the_bounds_and_choices_come_from_a_parent() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        a, b = MIXED.sample(rng), MIXED.sample(rng)
        children = MIXED.crossover(a, b, rng)
        assert all({child[4] for child in children} == {a[4], b[4]} for child in children if child[4] != a[4])
        assert sorted(child[4] for child in children) == sorted((a[4], b[4]))
        for genome in (*children, MIXED.mutate(children[0], rng)):
            assert all(0 <= place <= 1 for place in genome)


def test_a_mutation_changes_one_value_on_average_and_that_of_a_number_by_little() -> None:
    rng, reals = np.random.default_rng(1), ParameterSpace({(str(n),): Real(0.0, 1.0) for n in range(10)})
    genome = (0.5,) * 10
    moves = np.abs(np.array([reals.mutate(genome, rng) for _ in range(2000)]) - 0.5)
    assert (moves > 0).sum(axis=1).mean() == pytest.approx(1, abs=0.1)
    assert np.median(moves[moves > 0]) < 0.05


@pytest.mark.parametrize("parameter", [Choice(("a", "b", "c")), Whole(0, 2), Real(0.0, 1.0, step=0.5)])
def test_a_parameter_of_few_values_reaches_all_of_them_by_mutation(parameter: Parameter) -> None:
    rng, space = np.random.default_rng(2), ParameterSpace({("only",): parameter})
    seen = Counter(space.key(space.mutate((0.5,), rng)) for _ in range(300))
    assert len(seen) == 3
    assert min(seen.values()) > 40


def test_the_generator_that_is_given_decides_alone_and_pythons_own_is_left_as_it_was() -> None:
    def bred() -> list[object]:
        rng = np.random.default_rng(3)
        a, b = MIXED.sample(rng), MIXED.sample(rng)
        return [(MIXED.crossover(a, b, rng), MIXED.mutate(a, rng)) for _ in range(20)]

    random.seed(5)
    first, drawn = bred(), random.random()
    random.seed(6)
    assert bred() == first
    random.seed(5)
    assert random.random() == drawn


def test_a_space_of_few_genomes_is_exhausted_after_all_of_them() -> None:
    space = ParameterSpace({("a",): Whole(1, 3), ("b",): Choice(("x", "y"))})
    evolution = Evolution(space, {"f": "min"}, seed=0, population_size=2)
    seen = []
    with pytest.raises(SpaceExhausted):
        while True:
            (candidate,) = evolution.ask(1)
            seen.append(space.key(candidate.genome))
            evolution.tell(candidate, {"f": float(len(seen))})
    assert len(seen) == len(set(seen)) == 6

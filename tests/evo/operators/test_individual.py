import copy
import itertools
import pickle

import numpy as np
import pytest
from deap import tools

from haemsa.evo import Failure, Fitness, Individual
from haemsa.evo.objectives import Objectives

OBJECTIVES = Objectives.of({"mae": "min", "corr": "max"})


def of(mae: float, corr: float, level: int = 0) -> Fitness:
    return Fitness(OBJECTIVES.weights, (mae, corr), level)


def test_a_fitness_holds_values_in_their_own_direction_and_survives_copies() -> None:
    fitness = OBJECTIVES.fitness_of(np.array([0.5, -0.7]), level=2)
    fitness.crowding_dist = 0.25
    for twin in (fitness, copy.deepcopy(fitness), pickle.loads(pickle.dumps(fitness))):
        assert (twin.values, twin.level, twin.crowding_dist) == ((0.5, 0.7), 2, 0.25)
        assert Individual("genome", twin).losses == (0.5, -0.7)


def test_within_a_level_dominance_is_deaps() -> None:
    assert of(0.5, 0.7).dominates(of(0.6, 0.7))
    assert not of(0.6, 0.7).dominates(of(0.5, 0.7))
    assert not of(0.5, 0.7).dominates(of(0.4, 0.6))
    assert of(0.5, 0.7).dominates(of(0.6, 0.8), slice(1))  # only the first objective counts


def test_a_higher_level_dominates_whatever_the_scores() -> None:
    good, bad = of(0.1, 0.9), of(0.9, 0.1, level=1)
    assert bad.dominates(good) and not good.dominates(bad)
    assert bad > good and max(good, bad) is bad


def test_equal_scores_of_two_levels_are_different() -> None:
    low, high = of(0.5, 0.5), of(0.5, 0.5, level=1)
    assert low != high and len({low, high, of(0.5, 0.5)}) == 2
    people = [Individual(n, fitness) for n, fitness in enumerate((low, high, of(0.5, 0.5)))]
    assert [[p.genome for p in front] for front in tools.sortNondominated(people, 3)] == [[1], [0, 2]]


def test_comparisons_are_a_total_order() -> None:
    some = [of(a, b, level) for a, b, level in itertools.product((0.1, 0.2), (0.1, 0.2), (0, 1))]
    for a, b in itertools.product(some, some):
        assert (a < b) + (a == b) + (a > b) == 1
        assert (a <= b, a >= b) == (not a > b, not a < b)
        if a.dominates(b):
            assert a > b


def test_a_clone_shares_the_genome_and_nothing_else() -> None:
    genome = (1, 2, 3)
    individual = Individual(genome, of(0.5, 0.7), 7, (1, 2))
    twin = copy.deepcopy(individual)
    assert twin.genome is genome
    del twin.fitness.values
    twin[0] = 9
    assert (individual.genome, individual.fitness.values) == ((1, 2, 3), (0.5, 0.7))
    assert (twin.genome, twin.id, twin.parents, twin.history_index) == ((9, 2, 3), 7, (1, 2), 7)


def test_deaps_operators_change_a_tuple_as_they_change_a_list() -> None:
    a, b = Individual((0.0,) * 6), Individual((1.0,) * 6)
    tools.cxTwoPoint(a, b)
    assert all(x + y == 1 for x, y in zip(a.genome, b.genome, strict=True))
    assert 0 < sum(a.genome) < 6
    (mutant,) = tools.mutGaussian(a, mu=5.0, sigma=0.1, indpb=1.0)
    assert mutant is a and min(a.genome) > 4


def test_what_deap_has_not_made_has_no_history() -> None:
    history = tools.History()
    a, b = Individual((0,)), Individual((1,))
    history.update([a, b])
    history.decorator(lambda: (a, b))()
    assert history.genealogy_tree == {1: (), 2: (), 3: (1, 2), 4: (1, 2)}


def test_an_unknown_kind_of_failure_is_refused() -> None:
    with pytest.raises(ValueError, match="failure kind is 'boom', expected one of nan, memory"):
        Failure("boom", "")  # type: ignore[arg-type]

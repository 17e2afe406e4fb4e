import copy
import pickle

import numpy as np
import pytest
from deap import tools

from haemsa.evo.candidate import Failure
from haemsa.evo.individual import Fitness, Individual, toolbox
from haemsa.evo.objectives import Objectives
from tests.support.evo.real_space import RealSpace

OBJECTIVES = Objectives.of({"mae": "min", "corr": "max"})


def test_a_fitness_holds_values_in_their_own_direction_and_survives_copies() -> None:
    fitness = OBJECTIVES.fitness_of(np.array([0.5, -0.7]))
    for twin in (fitness, copy.deepcopy(fitness), pickle.loads(pickle.dumps(fitness))):
        assert twin.values == (0.5, 0.7)
        assert Individual("genome", twin).losses == (0.5, -0.7)


def test_deap_agrees_on_which_fitness_dominates() -> None:
    good, bad = (OBJECTIVES.fitness_of(np.array(losses)) for losses in ((0.5, -0.7), (0.6, -0.7)))
    assert good.dominates(bad)
    assert not bad.dominates(good)


def test_deaps_own_selection_works_on_our_individuals() -> None:
    people = [Individual(i, Fitness((-1.0, -1.0), (i, i))) for i in range(5)]
    assert [individual.genome for individual in tools.selNSGA2(people, 2)] == [0, 1]


def test_an_unknown_kind_of_failure_is_refused() -> None:
    with pytest.raises(ValueError, match="failure kind is 'boom', expected one of nan, memory"):
        Failure("boom", "")  # type: ignore[arg-type]


def test_the_toolbox_gives_children_without_a_fitness_and_leaves_parents_alone() -> None:
    box, rng = toolbox(RealSpace(4)), np.random.default_rng(0)
    a, b = box.individual(rng), box.individual(rng)
    a.fitness = Fitness((-1.0,), (3.0,))
    genome = a.genome
    (child,) = box.mutate(box.mate(a, b, rng)[0], rng)
    assert not child.fitness.valid
    assert (a.genome, a.fitness.values) == (genome, (3.0,))

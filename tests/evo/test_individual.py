import copy
import pickle

import numpy as np
import pytest
from deap import tools

from haemsa.evo.candidate import Failure, Score
from haemsa.evo.checkpoint import scores_from_json, scores_to_json
from haemsa.evo.individual import Fitness, Individual, toolbox
from haemsa.evo.objectives import Objectives
from tests.support.evo.real_space import RealSpace

OBJECTIVES = Objectives.of({"mae": "min", "corr": "max"})


def test_a_fitness_holds_values_in_their_own_direction_and_survives_copies() -> None:
    fitness = OBJECTIVES.fitness({"mae": Score(0.5), "corr": Score(0.7)})
    for twin in (fitness, copy.deepcopy(fitness), pickle.loads(pickle.dumps(fitness))):
        assert twin.values == (0.5, 0.7)
        assert Individual("genome", twin).losses == (0.5, -0.7)


def test_deap_agrees_on_which_fitness_dominates() -> None:
    good, bad = (OBJECTIVES.fitness({"mae": Score(m), "corr": Score(c)}) for m, c in ((0.5, 0.7), (0.6, 0.7)))
    assert good.dominates(bad)
    assert not bad.dominates(good)


def test_a_failure_is_dominated_by_every_score() -> None:
    worst = OBJECTIVES.fitness(Failure("memory", "out of memory"))
    assert OBJECTIVES.fitness({"mae": Score(1e30), "corr": Score(-1e30)}).dominates(worst)


def test_deaps_own_selection_works_on_our_individuals() -> None:
    people = [Individual(i, Fitness((-1.0, -1.0), (i, i))) for i in range(5)]
    assert [individual.genome for individual in tools.selNSGA2(people, 2)] == [0, 1]


def test_numbers_become_scores_and_scores_stay() -> None:
    settled = OBJECTIVES.settle({"mae": 1, "corr": Score(0.5, 0.1, 5), "acc7": 0.3})
    assert settled == {"mae": Score(1.0), "corr": Score(0.5, 0.1, 5), "acc7": Score(0.3)}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_an_objective_that_is_not_finite_is_a_failure(value: float) -> None:
    settled = OBJECTIVES.settle({"mae": value, "corr": 0.1})
    assert isinstance(settled, Failure)
    assert settled.kind == "nan"
    assert f"mae is {value}" in settled.message


def test_a_metric_that_is_no_objective_may_be_undefined() -> None:
    assert not isinstance(OBJECTIVES.settle({"mae": 0.5, "corr": 0.1, "acc2": float("nan")}), Failure)


def test_a_missing_objective_is_named() -> None:
    with pytest.raises(ValueError, match="objective corr has no score, those told are mae"):
        OBJECTIVES.settle({"mae": 0.5})


def test_an_unknown_direction_is_refused() -> None:
    with pytest.raises(ValueError, match="objective mae has direction 'down', expected 'min' or 'max'"):
        Objectives.of({"mae": "down"})  # type: ignore[dict-item]


def test_a_search_needs_an_objective() -> None:
    with pytest.raises(ValueError, match="no objectives"):
        Objectives.of({})


def test_an_unknown_kind_of_failure_is_refused() -> None:
    with pytest.raises(ValueError, match="failure kind is 'boom', expected one of nan, memory"):
        Failure("boom", "")  # type: ignore[arg-type]


def test_scores_go_through_json_and_back() -> None:
    scores = {"mae": Score(0.1 + 0.2, 1 / 3, 5)}
    assert scores_from_json(scores_to_json(scores)) == scores


def test_the_toolbox_gives_children_without_a_fitness_and_leaves_parents_alone() -> None:
    box, rng = toolbox(RealSpace(4)), np.random.default_rng(0)
    a, b = box.individual(rng), box.individual(rng)
    a.fitness = Fitness((-1.0,), (3.0,))
    genome = a.genome
    (child,) = box.mutate(box.mate(a, b, rng)[0], rng)
    assert not child.fitness.valid
    assert (a.genome, a.fitness.values) == (genome, (3.0,))

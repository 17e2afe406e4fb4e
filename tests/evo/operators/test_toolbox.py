"""The toolbox as somebody who knows DEAP expects it, and a search without DEAP's tools fails."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from deap import algorithms, base, tools

from haemsa.evo import Evolution, ExpertSpace, Individual, repaired, toolbox
from haemsa.evo.expert_space.operators import WEIGHTS, some_mutations
from haemsa.evo.operators.confined import confined
from haemsa.model.spec.genome import Genome
from tests.support.evo.real_space import RealSpace, zdt1

Bits = tuple[int, ...]


class BitSpace:
    """Twenty bits."""

    def sample(self, rng: np.random.Generator) -> Bits:
        return tuple(rng.integers(0, 2, 20).tolist())

    def mutate(self, genome: Bits, rng: np.random.Generator) -> Bits:
        raise AssertionError("registered anew")

    def crossover(self, a: Bits, b: Bits, rng: np.random.Generator) -> tuple[Bits, Bits]:
        raise AssertionError("registered anew")

    def key(self, genome: Bits) -> str:
        return "".join(map(str, genome))


def bits_in_two_halves(genome: Bits) -> dict[str, float]:
    return {"ones": sum(genome[:15]), "zeros": sum(genome[5:])}


def run(evolution: Evolution[Any], evaluations: int, problem: Any) -> None:
    while len(evolution.archive) < evaluations:
        for candidate in evolution.ask(4):
            evolution.tell(candidate, problem(candidate.genome))


def test_mates_and_mutants_are_changed_in_place_as_in_deap() -> None:
    box = toolbox(RealSpace(4))
    with confined(np.random.default_rng(0)):
        a, b = box.individual(), box.individual()
        twin = box.clone(a)
        assert box.mate(a, b)[0] is a
        assert box.mutate(b) == (b,)
    assert twin.genome != a.genome


def test_deaps_own_algorithm_runs_with_the_toolbox() -> None:
    box = toolbox(RealSpace(3))
    box.register("evaluate", lambda individual: (sum(individual.genome),))
    with confined(np.random.default_rng(0)):
        population = [box.individual() for _ in range(20)]
        for individual in population:
            individual.fitness.weights = (-1.0,)
        first = min(sum(individual.genome) for individual in population)
        last, log = algorithms.eaMuPlusLambda(_evaluated(population), _with(box), 20, 20, 0.5, 0.5, 15, verbose=False)
    assert len(log) == 16
    assert min(sum(individual.genome) for individual in last) < first / 2


def _evaluated(population: list[Individual[Any]]) -> list[Individual[Any]]:
    for individual in population:
        individual.fitness.values = (sum(individual.genome),)
    return population


def _with(box: base.Toolbox) -> base.Toolbox:
    box.register("select", box.survive)
    return box


@pytest.mark.parametrize("selection", ["selTournament", "selNSGA2", "selSPEA2", "selRandom"])
def test_deaps_operators_on_tuples_search_in_place_of_ours(selection: str) -> None:
    box = toolbox(BitSpace())
    box.register("mate", tools.cxTwoPoint)
    box.register("mutate", tools.mutFlipBit, indpb=0.05)
    more = {"tournsize": 3} if selection == "selTournament" else {}
    box.register("select", getattr(tools, selection), **more)
    box.register("survive", tools.selNSGA2)
    objectives: Any = {"ones": "max", "zeros": "min"}
    evolution: Evolution[Bits] = Evolution(BitSpace(), objectives, seed=0, population_size=12, toolbox=box)
    run(evolution, 300, bits_in_two_halves)
    # the first five count only as ones, and the last five only as zeros: the drawn ones have about half of each
    found = [sum(item.genome[:5]) + 5 - sum(item.genome[15:]) for item in evolution.front()]
    assert np.mean(found) > 7
    assert {len(evolution.archive.record(number).parents) for number in range(12, 300)} == {1, 2}


def test_what_is_registered_while_a_search_runs_counts_from_then_on() -> None:
    evolution = Evolution(RealSpace(3), {"f1": "min", "f2": "min"}, seed=0, population_size=4)
    run(evolution, 8, zdt1)

    def last(individual: Individual[Any]) -> tuple[Individual[Any]]:
        individual.genome = (*individual.genome[:2], 9.0 + individual.genome[0])
        return (individual,)

    evolution.toolbox.register("mutate", last)
    children = [candidate for candidate in evolution.ask(8) if candidate.parents]
    assert len(children) > 1 and all(child.genome[-1] > 8 for child in children)


@pytest.mark.parametrize(
    ("crossover", "mutation", "parents"), [(0.0, 1.0, {1}), (1.0, 1.0, {1, 2}), (1.0, 0.0, {1, 2})]
)
def test_a_child_has_two_parents_only_if_it_was_mated(crossover: float, mutation: float, parents: set[int]) -> None:
    evolution = Evolution(
        RealSpace(5), {"f1": "min", "f2": "min"}, seed=0, population_size=8, crossover=crossover, mutation=mutation
    )
    run(evolution, 80, zdt1)
    children = [evolution.archive.evaluated[number] for number in range(8, 80)]
    assert {len(child.parents) for child in children} <= parents
    assert max(len(child.parents) for child in children) == max(parents)


def test_the_fitter_of_two_parents_is_noted_first() -> None:
    evolution = Evolution(RealSpace(5), {"f": "min"}, seed=0, population_size=8, crossover=1.0)
    run(evolution, 80, lambda genome: {"f": sum(genome)})
    of = evolution.archive.evaluated
    pairs = [of[number].parents for number in range(8, 80) if len(of[number].parents) == 2]
    assert len(pairs) > 30
    assert all(of[first].scores["f"].mean < of[second].scores["f"].mean for first, second in pairs)


def test_without_deaps_tools_a_search_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise RuntimeError("without DEAP")

    evolution = Evolution(RealSpace(3), {"f1": "min", "f2": "min"}, seed=0, population_size=4)
    for name, value in vars(tools).items():
        if inspect.isfunction(value) and not name.startswith("_"):
            monkeypatch.setattr(tools, name, refused)
    with pytest.raises(RuntimeError, match="without DEAP"):
        run(evolution, 12, zdt1)


def test_without_deaps_variation_a_search_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    evolution = Evolution(RealSpace(3), {"f1": "min", "f2": "min"}, seed=0, population_size=4)
    run(evolution, 4, zdt1)
    monkeypatch.delattr(algorithms, "varAnd")
    with pytest.raises(AttributeError, match="varAnd"):
        run(evolution, 8, zdt1)


# -- a mutation of one's own in the space of experts


def test_a_mutation_of_ones_own_takes_part_and_is_repaired() -> None:
    space = ExpertSpace(("text", "audio"))
    box, seen = toolbox(space), []

    def widest(individual: Individual[Genome]) -> tuple[Individual[Genome]]:
        training = individual.genome.training
        individual.genome = Genome(individual.genome.network, training.__class__(**{**vars(training), "clip": 99.0}))
        seen.append(individual)
        return (individual,)

    box.register("widest", widest)
    box.decorate("widest", repaired(space))
    box.register("mutate", some_mutations, box, {**WEIGHTS, "widest": 30.0})
    evolution = Evolution(space, {"clip": "max", "width": "min"}, seed=0, population_size=6, toolbox=box)
    for _ in range(60):
        (candidate,) = evolution.ask(1)
        assert space.repair(candidate.genome) == candidate.genome
        evolution.tell(
            candidate, {"clip": candidate.genome.training.clip, "width": float(candidate.genome.network.width)}
        )
    assert len(seen) > 20
    assert evolution.front()[0].genome.training.clip == space.domain.bounds.clip[1] == 4.0


def test_a_mutation_that_is_registered_anew_is_the_one_that_mutate_calls() -> None:
    space = ExpertSpace(("text", "audio"))
    box = toolbox(space)
    genome = space.sample(np.random.default_rng(0))
    for name in WEIGHTS:
        box.register(name, lambda individual: (Individual("mine"),))
    with confined(np.random.default_rng(0)):
        assert box.mutate(Individual(genome))[0].genome == "mine"

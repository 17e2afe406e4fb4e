import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import moocore
import numpy as np
import pytest
from deap import tools

from haemsa.evo import Candidate, Evolution, Failure, Score, SpaceExhausted
from haemsa.evo.objectives import Direction
from haemsa.evo.settings import Mode
from tests.support.evo.real_space import RealSpace, Vector, dtlz2, zdt1, zdt2

MODES: tuple[Mode, ...] = ("steady", "generational")
Problem = Callable[[Any], Mapping[str, float]]
both_modes = pytest.mark.parametrize("mode", MODES)


def search(
    seed: int = 0, mode: Mode = "steady", size: int = 8, population: int = 12, **rates: float
) -> Evolution[Vector]:
    objectives: dict[str, Direction] = {"f1": "min", "f2": "min"}
    return Evolution(RealSpace(size), objectives, seed=seed, population_size=population, mode=mode, **rates)


def step(evolution: Evolution[Vector], n: int = 1, order: random.Random | None = None) -> list[int]:
    """Ask for `n`, evaluate, tell; every eleventh candidate fails."""
    batch = evolution.ask(n)
    if order is not None:
        order.shuffle(batch)
    for candidate in batch:
        evolution.tell(candidate, outcome(candidate))
    return [candidate.id for candidate in batch]


def outcome(candidate: Candidate[Vector]) -> Mapping[str, float] | Failure:
    return Failure("crash", "it crashed") if candidate.id % 11 == 5 else zdt1(candidate.genome)


def run(evolution: Evolution[Any], evaluations: int, problem: Problem) -> None:
    while len(evolution.archive) < evaluations:
        for candidate in evolution.ask(1):
            evolution.tell(candidate, problem(candidate.genome))


@dataclass(frozen=True)
class Letters:
    """A space of as few genomes as there are letters."""

    letters: str

    def sample(self, rng: np.random.Generator) -> str:
        return self.letters[int(rng.integers(len(self.letters)))]

    def mutate(self, genome: str, rng: np.random.Generator) -> str:
        return self.sample(rng)

    def crossover(self, a: str, b: str, rng: np.random.Generator) -> tuple[str, str]:
        return a, b

    def key(self, genome: str) -> str:
        return genome


@pytest.mark.slow
@both_modes
@pytest.mark.parametrize(
    ("problem", "size", "ideal", "share"),
    [
        (zdt1, 10, 1.21 - 1 / 3, 0.95),  # of the square up to (1.1, 1.1), what the true front dominates
        (zdt2, 10, 1.21 - 2 / 3, 0.8),
        (dtlz2, 7, 1.331 - np.pi / 6, 0.93),  # of the cube, all but an eighth of the unit ball
    ],
)
def test_it_finds_the_known_front(problem: Problem, size: int, ideal: float, share: float, mode: Mode) -> None:
    names = list(problem((0.5,) * size))
    evolution = Evolution(
        RealSpace(size),
        dict.fromkeys(names, "min"),
        seed=0,
        population_size=40,
        mode=mode,
        reference=dict.fromkeys(names, 1.1),
        crossover=1.0,  # the space itself crosses nine pairs in ten, as pymoo does
    )
    run(evolution, 2500, problem)
    assert share * ideal < evolution.hypervolume() < ideal


@pytest.mark.slow
def test_it_beats_random_search_by_far() -> None:
    evolution = search(size=30, population=40)
    run(evolution, 1500, zdt1)
    rng, space = np.random.default_rng(0), RealSpace(30)
    drawn = np.array([list(zdt1(space.sample(rng)).values()) for _ in range(1500)])
    best = np.array([individual.losses for individual in evolution.population])
    assert moocore.hypervolume(best, ref=[1.1, 6.0]) > 1.3 * moocore.hypervolume(drawn, ref=[1.1, 6.0])


def test_an_objective_can_be_maximised() -> None:
    evolution = Evolution(RealSpace(3), {"sum": "max"}, seed=0, population_size=10)
    run(evolution, 400, lambda genome: {"sum": sum(genome)})
    (best,) = evolution.front()
    assert best.scores["sum"].mean > 2.95


@both_modes
def test_the_same_seed_gives_the_same_search(mode: Mode) -> None:
    first, second = (search(3, mode) for _ in range(2))
    run(first, 100, zdt1)
    run(second, 100, zdt1)
    assert first.front() == second.front()


@both_modes
def test_another_seed_gives_another_search(mode: Mode) -> None:
    assert search(1, mode).ask(4) != search(2, mode).ask(4)


def test_the_global_generators_are_never_touched() -> None:
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    expected = random.random(), np.random.random()  # noqa: NPY002
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    run(search(), 40, zdt1)
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002


@pytest.mark.parametrize("workers", [1, 2, 5, 100])
def test_a_generational_front_depends_neither_on_workers_nor_on_the_order_of_tells(workers: int) -> None:
    plain, other = search(0, "generational"), search(0, "generational")
    while plain.generation < 8:
        step(plain)
    order = random.Random(workers)
    while other.generation < 8:
        step(other, workers, order)
    assert other.front() == plain.front()
    assert other.hypervolume() == plain.hypervolume() > 0
    assert [individual.id for individual in other.population] == [individual.id for individual in plain.population]


def test_a_generation_waits_for_its_last_candidate() -> None:
    evolution = search(0, "generational")
    batch = [*evolution.ask(8), *evolution.ask(99)]
    assert len(batch) == 12
    assert evolution.ask(5) == []
    for candidate in batch[1:]:
        evolution.tell(candidate, zdt1(candidate.genome))
    assert (evolution.ask(1), evolution.generation, evolution.population) == ([], 0, [])
    evolution.tell(batch[0], zdt1(batch[0].genome))
    assert (evolution.generation, len(evolution.population)) == (1, 12)
    assert [candidate.id for candidate in evolution.ask(99)] == list(range(12, 24))


def test_steady_state_breeds_at_once_while_others_are_being_evaluated() -> None:
    evolution = search()
    slow = evolution.ask(1)
    run(evolution, 40, zdt1)
    (child,) = evolution.ask(1)
    assert len(child.parents) == 2
    assert slow[0] in evolution.pending
    assert evolution.generation == 40 // 12


def test_steady_state_uses_a_result_as_soon_as_it_is_told() -> None:
    evolution = search()
    run(evolution, 12, zdt1)
    (candidate,) = evolution.ask(1)
    evolution.tell(candidate, {"f1": -1.0, "f2": -1.0})
    assert evolution.population[0].id == candidate.id


@both_modes
def test_no_genome_is_ever_given_out_twice(mode: Mode) -> None:
    evolution: Evolution[str] = Evolution(
        Letters("abcdefghijklmnopqrstuvwxyz"), {"f": "min"}, seed=0, population_size=4, mode=mode
    )
    seen = []
    with pytest.raises(SpaceExhausted, match="exhausted: after 26 genomes"):
        while True:
            for candidate in evolution.ask(3):
                seen.append(candidate.genome)
                evolution.tell(candidate, {"f": ord(candidate.genome)})
    assert sorted(seen) == list("abcdefghijklmnopqrstuvwxyz")
    assert evolution.front()[0].genome == "a"


def test_pending_genomes_count_as_given_out() -> None:
    evolution: Evolution[str] = Evolution(Letters("abc"), {"f": "min"}, seed=0, population_size=10)
    assert sorted(candidate.genome for candidate in evolution.ask(10)) == ["a", "b", "c"]
    with pytest.raises(SpaceExhausted):
        evolution.ask(1)


@both_modes
def test_failures_enter_neither_front_nor_population(mode: Mode) -> None:
    evolution = search(0, mode)
    while len(evolution.archive) < 120:
        step(evolution)
    failed = set(evolution.archive.failed)
    assert failed == {number for number in range(120) if number % 11 == 5}
    assert not failed & {item.id for item in evolution.front()}
    assert not failed & {individual.id for individual in evolution.population}


@both_modes
def test_a_nan_beside_the_best_of_another_objective_is_a_failure(mode: Mode) -> None:
    evolution = search(0, mode)
    (candidate,) = evolution.ask(1)
    record = evolution.tell(candidate, {"f1": float("nan"), "f2": -1e9})
    assert evolution.archive.failed[candidate.id] == record
    assert evolution.front() == []


@both_modes
def test_a_search_whose_first_generation_fails_goes_on(mode: Mode) -> None:
    evolution = search(0, mode)
    for _ in range(12):
        (candidate,) = evolution.ask(1)
        evolution.tell(candidate, Failure("memory", "out of memory"))
    assert (evolution.generation, evolution.hypervolume()) == (1, 0.0)
    run(evolution, 48, zdt1)
    assert len(evolution.population) == 12
    assert evolution.hypervolume() > 0


@both_modes
@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize("stop", [5, 12, 57])
def test_a_search_goes_on_from_its_state_as_if_never_stopped(mode: Mode, rows: bool, stop: int) -> None:
    evolution = search(4, mode)
    for _ in range(stop):
        step(evolution)
    waiting = evolution.ask(3)
    journal = evolution.state_dict(list)["rows"]
    saved = json.loads(json.dumps(evolution.state_dict(list, rows=rows)))
    assert ("rows" in saved) is rows
    twin = search(4, mode)
    twin.load_state_dict(saved, tuple, None if rows else json.loads(json.dumps(journal[::-1])))
    assert twin.pending == evolution.pending == waiting
    for each in (evolution, twin):
        for candidate in waiting:
            each.tell(candidate, outcome(candidate))
        for _ in range(60):
            step(each, 2)
    assert twin.front() == evolution.front()
    assert twin.hypervolume() == evolution.hypervolume()
    assert twin.state_dict(list, rows=False) == evolution.state_dict(list, rows=False)


def test_candidates_asked_for_after_the_last_saved_state_are_bred_again() -> None:
    evolution = search()
    run(evolution, 30, zdt1)
    saved = evolution.state_dict(list, rows=False)
    lost = evolution.ask(2)
    twin = search()
    twin.load_state_dict(saved, tuple, evolution.state_dict(list)["rows"])
    assert twin.pending == []
    assert twin.ask(2) == lost


def test_the_state_without_rows_does_not_grow_with_the_archive() -> None:
    def size() -> int:
        return len(json.dumps({**evolution.state_dict(list, rows=False), "logbook": ""}))

    evolution = search()
    run(evolution, 50, zdt1)
    short = size()
    run(evolution, 1000, zdt1)
    assert size() < 2 * short
    assert len(evolution.state_dict(list)["logbook"]) < 200 * evolution.generation  # a record per generation


def test_the_state_of_another_search_is_refused() -> None:
    saved = search(1).state_dict(list)
    with pytest.raises(ValueError, match="the saved search has seed 1, this one 2"):
        search(2).load_state_dict(saved, tuple)


def test_a_state_is_loaded_into_a_new_search_only() -> None:
    saved = search().state_dict(list)
    begun = search()
    begun.ask(1)
    with pytest.raises(ValueError, match="expected a new one"):
        begun.load_state_dict(saved, tuple)


def test_a_pending_candidate_without_a_row_is_named() -> None:
    evolution = search()
    evolution.ask(2)
    with pytest.raises(ValueError, match=r"pending candidates \[0, 1\] have no row"):
        search().load_state_dict(evolution.state_dict(list, rows=False), tuple, [])


def test_a_candidate_is_told_once() -> None:
    evolution = search()
    (candidate,) = evolution.ask(1)
    evolution.tell(candidate, {"f1": 1, "f2": 1})
    with pytest.raises(ValueError, match="candidate 0 is told, but"):
        evolution.tell(candidate, {"f1": 1, "f2": 1})


def test_a_tell_without_an_objective_changes_nothing() -> None:
    evolution = search()
    (candidate,) = evolution.ask(1)
    with pytest.raises(ValueError, match="objective f2 has no score"):
        evolution.tell(candidate, {"f1": 1})
    assert evolution.pending == [candidate]
    assert len(evolution.archive) == 0


def test_scores_keep_their_error_and_metrics_that_are_no_objectives() -> None:
    evolution = search()
    (candidate,) = evolution.ask(1)
    evolution.tell(candidate, {"f1": Score(0.5, 0.1, 5), "f2": 1, "acc7": 0.4})
    assert evolution.front()[0].scores == {"f1": Score(0.5, 0.1, 5), "f2": Score(1.0), "acc7": Score(0.4)}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seed": -1}, "seed is -1, expected 0 or more"),
        ({"population": 1}, "population_size is 1, expected 2 or more"),
        ({"mode": "lazy"}, "mode is 'lazy', expected one of steady, generational"),
        ({"crossover": 1.5}, "crossover is 1.5, expected a share from 0 to 1"),
        ({"mutation": -0.1}, "mutation is -0.1, expected a share from 0 to 1"),
    ],
)
def test_a_setting_out_of_range_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        search(**settings)


def test_no_candidates_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="0 candidates were asked for, expected 1 or more"):
        search().ask(0)


def test_tell_sorts_the_population_and_never_the_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    sorted_rows = []
    select = tools.selNSGA2
    monkeypatch.setattr(tools, "selNSGA2", lambda few, *a, **k: sorted_rows.append(len(few)) or select(few, *a, **k))
    run(search(), 300, zdt1)
    assert max(sorted_rows) == 12 + 1

import dataclasses

import numpy as np
import pytest

from haemsa.evo.candidate import Evaluated, Failed, Failure, Score
from haemsa.evo.objectives import Objectives
from haemsa.evo.records.archive import Archive
from haemsa.evo.rungs import Fidelity, Ladder

OBJECTIVES = Objectives.of({"mae": "min", "corr": "max"})


def record(number: int, mae: float, corr: float) -> Evaluated[str]:
    return Evaluated(number, f"genome {number}", (), {"mae": Score(mae), "corr": Score(corr)})


def filled(*points: tuple[float, float], reference: dict[str, float] | None = None) -> Archive[str]:
    archive: Archive[str] = Archive(OBJECTIVES, reference=reference)
    for number, point in enumerate(points):
        archive.add(record(number, *point))
    return archive


def front_ids(archive: Archive[str]) -> list[int]:
    return [item.id for item in archive.front()]


def test_the_front_holds_what_nothing_dominates_best_first_objective_first() -> None:
    assert front_ids(filled((0.9, 0.8), (0.5, 0.5), (0.6, 0.4), (0.4, 0.1))) == [3, 1, 0]


def test_a_better_point_drives_all_that_it_dominates_off_the_front() -> None:
    assert front_ids(filled((0.9, 0.5), (0.8, 0.4), (0.7, 0.9))) == [2]


def test_equal_points_stay_on_the_front_together() -> None:
    assert front_ids(filled((0.5, 0.5), (0.5, 0.5))) == [0, 1]


def test_a_failure_is_kept_and_never_on_the_front() -> None:
    archive = filled((0.5, 0.5))
    archive.fail(Failed(9, "bad", (0,), Failure("crash", "it crashed")))
    assert front_ids(archive) == [0]
    assert len(archive) == 2
    assert archive.failed[9].failure.kind == "crash"


def test_the_front_is_the_one_found_by_comparing_all_pairs() -> None:
    points = np.random.default_rng(1).integers(0, 12, size=(200, 2))
    archive = filled(*((float(a), float(b)) for a, b in points))
    losses = points * [1, -1]
    dominated = [any((q <= p).all() and (q < p).any() for q in losses) for p in losses]
    assert sorted(front_ids(archive)) == np.flatnonzero(~np.array(dominated)).tolist()


def test_runners_up_are_the_best_of_those_that_did_not_climb_to_the_fronts_level() -> None:
    archive: Archive[str] = Archive(OBJECTIVES, ladder=Ladder((Fidelity(1), Fidelity(None, 2)), 2, full=1))
    for number, point in enumerate([(0.5, 0.5), (0.6, 0.6), (0.7, 0.4), (0.4, 0.1)]):
        archive.add(record(number, *point))
    assert (front_ids(archive), archive.runners_up()) == ([3, 0, 1], [])
    archive.add(dataclasses.replace(record(0, 0.9, 0.1), rung=1))
    assert front_ids(archive) == [0]
    assert [item.id for item in archive.runners_up()] == [3, 1]


def test_the_best_in_the_first_objective_are_of_the_fronts_level_and_may_be_dominated() -> None:
    archive: Archive[str] = Archive(OBJECTIVES, ladder=Ladder((Fidelity(1), Fidelity(None, 2)), 2, full=1))
    assert archive.best(3) == []
    for number, point in enumerate([(0.6, 0.6), (0.5, 0.7), (0.55, 0.1), (0.4, 0.9)]):
        archive.add(dataclasses.replace(record(number, *point), rung=min(number, 1)))
    archive.add(dataclasses.replace(record(4, 0.45, 0.1), rung=0))
    assert front_ids(archive) == [3]
    assert [item.id for item in archive.best(2)] == [3, 1]
    assert [item.id for item in archive.best(9)] == [3, 1, 2]


@pytest.mark.parametrize("seed", range(4))
def test_the_front_is_always_that_of_the_highest_level_as_if_it_were_found_anew(seed: int) -> None:
    rng, ladder = np.random.default_rng(seed), Ladder((Fidelity(1), Fidelity(None, 2), Fidelity(None, 4)), 2, full=1)
    archive: Archive[str] = Archive(OBJECTIVES, ladder=ladder)
    for number in range(120):
        for rung in range(int(rng.integers(1, 4))):
            if rng.random() < 0.1:
                archive.fail(Failed(number, "", (), Failure("nan", "no number")))
                break
            values = rng.integers(0, 9, size=(2, 2 * max(1, rung))).astype(float).tolist()
            scores = {name: Score.of(row) for name, row in zip(("mae", "corr"), values, strict=True)}
            archive.add(Evaluated(number, "", (), scores, rung))
            if rng.random() < 0.5:
                archive.front()
        anew: Archive[str] = Archive(OBJECTIVES, ladder=ladder)
        for item in archive.evaluated.values():
            anew.add(item)
        assert front_ids(archive) == front_ids(anew)


def replicated(values: dict[int, tuple[list[float], float]]) -> Archive[str]:
    """Candidates with an error each by replicates, and a cost that is sure; one rung more for each two replicates."""
    ladder = Ladder((Fidelity(None, 2), Fidelity(None, 4)), eta=2, full=0)
    archive: Archive[str] = Archive(Objectives.of({"mae": "min", "params": "min"}), ladder=ladder)
    for number, (errors, cost) in values.items():
        scores = {"mae": Score.of(errors), "params": Score(cost)}
        archive.add(Evaluated(number, "", (), scores, len(errors) // 2 - 1))
    return archive


NOISY = {1: ([1.0, 9.0], 7.0), 2: ([3.0, 6.0], 5.0), 3: ([9.0, 1.0], 3.0), 4: ([4.0, 6.0, 8.0, 5.0], 1.0)}
"""Errors that replicates explain: of 5, 4.5, 5 and 5.75; the fewer parameters, the higher the id."""


def test_where_errors_explain_all_the_front_is_not_the_cheapest_alone() -> None:
    assert [item.id for item in replicated(NOISY).front()] == [2, 3, 4]


def test_scores_are_weighed_alike_in_whatever_order_they_came() -> None:
    rng = np.random.default_rng(0)
    values = {n: (rng.normal(size=2 + 2 * (n % 2)).tolist(), float(rng.random())) for n in range(40)}
    plain, other = replicated(values), replicated(dict(reversed(values.items())))
    for number in values:
        assert plain.adjusted(0).losses_of(number).tolist() == other.adjusted(0).losses_of(number).tolist()
    assert plain.front() == other.front()


def test_hypervolume_is_an_area_that_can_be_counted() -> None:
    # below mae 1 and above corr 0: a strip of 0.5 x 0.5 and one of 0.2 x 0.3 on top of it
    archive = filled((0.5, 0.5), (0.8, 0.8), reference={"mae": 1.0, "corr": 0.0})
    assert archive.hypervolume() == pytest.approx(0.25 + 0.06)


def test_nothing_has_no_hypervolume_and_a_single_candidate_has_one() -> None:
    empty: Archive[str] = Archive(OBJECTIVES)
    assert (empty.hypervolume(), empty.covered()) == (0.0, 0.0)
    assert filled((0.5, 0.5)).hypervolume() == pytest.approx(0.05 * 0.05)
    assert filled((0.5, 0.5)).covered() == pytest.approx(1)


def test_no_front_falls_outside_of_the_reference_point_however_large_its_networks_grow() -> None:
    archive = filled((1.0, 0.0), (0.5, 0.5))
    assert archive.covered() == pytest.approx(1)
    archive.add(record(7, 9.0, 0.75))  # far worse in the first objective, the best in the second
    # losses: mae .5 to 9, so that the point is 9.85; corr -.75 to 0, so that it is .075
    volume = (9.85 - 0.5) * (0.075 + 0.5) + (9.85 - 9) * 0.25
    assert archive.hypervolume() == pytest.approx(volume)
    assert archive.covered() == pytest.approx(volume / ((9.85 - 0.5) * (0.075 + 0.75)))


def test_a_reference_point_needs_a_value_for_each_objective() -> None:
    with pytest.raises(ValueError, match=r"given for \['mae'\], expected the objectives mae, corr"):
        filled(reference={"mae": 1.0})


@pytest.mark.parametrize("seed", range(3))
def test_deaps_front_holds_the_same_candidates_best_fitness_first(seed: int) -> None:
    rng, archive = np.random.default_rng(seed), filled()
    for number in range(150):
        archive.add(record(number, float(rng.integers(0, 30)), float(rng.integers(0, 30))))
        if rng.random() < 0.6:  # one at a time DEAP compares; many at once are filled in
            hall = archive.pareto_front()
            assert sorted(individual.id for individual in hall) == sorted(front_ids(archive))
            assert list(hall.keys) == sorted(hall.keys)
    assert hall[0].fitness == max(individual.fitness for individual in hall)
    archive.fail(Failed(hall[0].id, "bad", (), Failure("crash", "it crashed")))
    assert sorted(individual.id for individual in archive.pareto_front()) == sorted(front_ids(archive))

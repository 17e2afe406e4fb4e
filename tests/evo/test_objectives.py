import numpy as np
import pytest

from haemsa.evo.candidate import Failure, Score
from haemsa.evo.objectives import Box, Objectives, beyond, grew

OBJECTIVES = Objectives.of({"mae": "min", "corr": "max"})


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


def test_a_reference_point_lies_a_tenth_of_the_range_beyond_the_worst() -> None:
    assert beyond(np.array([[0.0, 5.0], [10.0, 5.0]])).tolist() == pytest.approx([11.0, 5.5])


def test_the_share_is_that_of_the_region_between_the_best_and_the_reference() -> None:
    box = Box(np.array([0.0, 0.0]), np.array([2.0, 10.0]))
    assert box.volume(np.array([[1.0, 5.0]])) == 5.0
    assert box.share(np.array([[1.0, 5.0]])) == 0.25
    assert box.share(np.empty((0, 2))) == 0.0
    assert Box.around(np.array([[3.0, 3.0]]), reference=np.array([1.0, 1.0])).share(np.array([[3.0, 3.0]])) == 0.0


def test_a_front_grows_by_what_it_dominates_and_not_by_a_reference_point_that_moves() -> None:
    before, worse = np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([[90.0, 90.0]])
    assert not grew(before, before, np.concatenate([before, worse]))
    assert grew(np.array([[0.9, 2.0], [2.0, 1.0]]), before, worse)
    assert grew(np.array([[1.0, 2.0], [2.0, 1.0], [50.0, 0.5]]), before, worse)
    assert not grew(before[:1], before, before)


def test_the_first_front_is_growth() -> None:
    first = np.array([[1.0, 2.0]])
    assert grew(first, np.empty((0, 2)), first)

import pytest

from haemsa.evo.candidate import Failure, Score
from haemsa.evo.objectives import Objectives

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

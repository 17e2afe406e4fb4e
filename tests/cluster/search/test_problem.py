"""What a problem tells its space of the data."""

import pytest

from haemsa.evo.candidate import Score
from tests.support.cluster.tiny import problem


def test_the_space_knows_the_tasks_and_their_kinds() -> None:
    found, _ = problem()
    assert found.space.domain.tasks == {"sentiment": "regression", "emotion": "classes"}
    assert found.space.domain.weighted == ("emotion", "sentiment")


def test_a_task_alone_has_no_weight() -> None:
    found, _ = problem(tasks=["emotion"])
    assert found.space.domain.tasks == {"emotion": "classes"}
    assert found.space.domain.weighted == ()


def test_where_modalities_may_be_missing_a_search_begins_with_networks_that_distil() -> None:
    trained = {}
    for objective in ("sentiment/mae", "sentiment/missing_mae"):
        designs = problem(objectives=[objective, "params"])[0].plain_designs()
        trained[objective] = {item.training.distillation for item in designs if len(item.network.modalities) > 1}
    assert trained == {"sentiment/mae": {0.0}, "sentiment/missing_mae": {0.3}}


def test_a_skill_is_the_share_of_the_way_from_a_constant_to_perfect_on_the_same_folds() -> None:
    found, _ = problem(objectives=["sentiment/mae", "emotion/accuracy", "params"], validation="folds:3")
    errors, rates = found.constants["sentiment/mae"], found.constants["emotion/accuracy"]
    assert set(found.constants) == {"sentiment/mae", "emotion/accuracy"}
    assert len(errors) == 3
    assert len(set(errors)) > 1

    def skill(error: float, rate: float, replicates: int) -> float:
        given = {"sentiment/mae": error, "emotion/accuracy": rate, "params": 9.0}
        return found.skill({name: Score(value, replicates=replicates) for name, value in given.items()})

    assert skill(0.7 * errors[0], 0.0, replicates=1) == pytest.approx(0.3)
    assert skill(0.7 * sum(errors[:2]) / 2, 0.0, replicates=2) == pytest.approx(0.3)
    assert skill(0.7 * (sum(errors) + errors[0]) / 4, 0.0, replicates=4) == pytest.approx(0.3)
    assert skill(2 * errors[0], rates[0] + 0.4 * (1 - rates[0]), replicates=1) == pytest.approx(0.4)
    assert skill(2 * errors[0], 0.0, replicates=1) == 0.0


def test_a_skill_counts_missing_modalities_as_a_constant_does() -> None:
    found, _ = problem(objectives=["sentiment/missing_mae", "params"])
    score = Score(found.constants["sentiment/missing_mae"][0] / 4)
    assert found.skill({"sentiment/missing_mae": score, "params": Score(9.0)}) == pytest.approx(0.75)

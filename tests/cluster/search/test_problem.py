"""What a problem tells its space of the data."""

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

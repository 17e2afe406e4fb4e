"""What a problem tells its space of the data."""

from tiny import problem


def test_the_space_knows_the_tasks_and_their_kinds() -> None:
    found, _ = problem()
    assert found.space.domain.tasks == {"sentiment": "regression", "emotion": "classes"}
    assert found.space.domain.weighted == ("emotion", "sentiment")


def test_a_task_alone_has_no_weight() -> None:
    found, _ = problem(tasks=["emotion"])
    assert found.space.domain.tasks == {"emotion": "classes"}
    assert found.space.domain.weighted == ()

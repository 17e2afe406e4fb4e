"""What is said while workers wait for cores that others use."""

from __future__ import annotations

import logging

import pytest

from haemsa.cluster.workers.elastic.start_watch import StartWatch


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ([(0, 1, 1), (9, 1, 1), (9.5, 0, 1), (10, 1, 1), (19, 1, 1)], []),
        (
            [(0, 1, 1), (10, 1, 1), (11, 1, 1), (69, 1, 1), (70, 1, 1), (80, 0, 1), (90, 0, 1)],
            ["the work waits for a core: none is free"] * 2 + ["the work goes on with 1 of 1 workers"],
        ),
        (
            [(0, 2, 2), (10, 2, 2), (20, 1, 2), (300, 1, 2), (310, 0, 2), (320, 1, 2), (340, 1, 2)],
            [
                "the work waits for a core: none is free",
                "the work goes on with 1 of 2 workers",
                "1 of 2 workers wait for a core: none is free",
            ],
        ),
    ],
    ids=["they start in time", "all wait, and again after a minute", "one of two waits"],
)
def test_a_word_is_said_after_some_seconds_and_when_the_work_goes_on(
    looks: list[tuple[float, int, int]], said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    watch = StartWatch("a core", lambda: "none is free", now=lambda: now)
    with caplog.at_level(logging.WARNING):
        for now, waiting, workers in looks:  # noqa: B007 - the watch reads it
            watch.look(waiting, workers)
    assert caplog.messages == said

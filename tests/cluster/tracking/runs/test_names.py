"""The names of metrics in MLflow."""

from __future__ import annotations

import pytest

from haemsa.cluster.tracking.runs.names import TEST, VALID, all_scored, scored


@pytest.mark.parametrize(
    ("name", "tasks", "full"),
    [
        ("mae", ["sentiment"], "valid/sentiment/mae"),
        ("missing_mae", ["sentiment"], "valid/sentiment/missing_mae"),
        ("emotion/uar", ["sentiment", "emotion"], "valid/emotion/uar"),
        ("loss", ["sentiment", "emotion"], "valid/loss"),
        ("mae", [], "valid/mae"),
        ("params", ["sentiment"], "params"),
        ("latency_ms", ["sentiment"], "latency_ms"),
        ("mymodule:cost", ["sentiment"], "mymodule:cost"),
    ],
)
def test_a_score_is_named_by_where_it_was_scored_its_task_and_its_metric(
    name: str, tasks: list[str], full: str
) -> None:
    assert scored(VALID, name, tasks) == full


def test_the_same_scores_are_named_alike_in_a_search_and_in_a_training() -> None:
    found = all_scored(VALID, {"mae": 0.5}, {"sentiment": "regression"})
    trained = all_scored(VALID, {"sentiment/mae": 0.5}, {"sentiment": "regression"})
    assert found == trained == {"valid/sentiment/mae": 0.5}
    assert scored(TEST, "mae", ["sentiment"]) == "test/sentiment/mae"

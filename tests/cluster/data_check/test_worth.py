"""What each stream is worth, and how `haemsa data check` says it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from haemsa.cluster.data_check.check import check
from haemsa.cluster.data_check.tables import check_tables
from haemsa.cluster.data_check.worth import StreamWorth, Worth, streams_of, worth_of
from haemsa.cluster.shared.bootstrap import Difference
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.task import Task
from tests.support.cluster.checked_data import changed, honest

GROUPS = np.arange(300) // 3
SURE, UNSURE, WORSE = Difference(0.2, 0.1, 0.3), Difference(0.0, -0.1, 0.1), Difference(-0.2, -0.3, -0.1)
POOL = 300  # samples of train and valid


def three_streams(kind: str = "regression") -> tuple[dict[str, np.ndarray], Task]:
    """Labels that are the sum of two parts: `first` tells most of them, `second` the rest, `noise` nothing."""
    rng = np.random.default_rng(3)
    large, small, noise = rng.normal(size=(3, 300, 2)).astype(np.float32)
    value = 2 * large[:, 0] + small[:, 0] + 0.1 * rng.normal(size=300)
    everywhere = np.ones(300, dtype=bool)
    streams = {"first": large, "second": small, "noise": noise}
    if kind == "classes":
        task = Task("classes", (value > 0).astype(np.int64), ("low", "high"))
    elif kind == "multilabel":
        task = Task("multilabel", np.stack([value > 0, value > 1], axis=1).astype(np.float32), ("some", "much"))
    else:
        task = Task("regression", value.astype(np.float32))
    return streams_of(streams, dict.fromkeys(streams, everywhere)), task


@pytest.mark.parametrize("kind", ["regression", "classes", "multilabel"])
def test_what_tells_something_new_adds_to_the_best_and_noise_adds_nothing(kind: str) -> None:
    found = worth_of(*three_streams(kind), GROUPS)
    assert found is not None
    assert (found.best, found.samples) == ("first", 300)
    assert found.words("first") == "first is the best alone"
    assert found.words("second") == "second adds to first"
    assert found.words("noise").startswith("noise adds nothing")
    if kind == "regression":  # without `second`, the mean error is that of a normal variable of deviation 1
        assert found.streams["first"].alone == pytest.approx((2 / math.pi) ** 0.5, rel=0.1)
        adds = found.streams["second"].adds
        assert adds is not None
        assert adds.mean == pytest.approx((2 / math.pi) ** 0.5 * 0.9, rel=0.1)
        assert adds.low < adds.mean < adds.high


def test_words_follow_from_the_intervals() -> None:
    streams = {"a": StreamWorth(1.0, None), "b": StreamWorth(2.0, SURE), "c": StreamWorth(3.0, UNSURE)}
    worth = Worth("mae", 100, 4.0, "a", SURE, streams | {"d": StreamWorth(5.0, WORSE)})
    assert [worth.words(name) for name in worth.streams] == [
        "a is the best alone",
        "b adds to a",
        "c adds nothing that can be measured",
        "d adds nothing: the score gets worse with it",
    ]
    poor = replace(worth, skill=UNSURE)
    assert poor.words("a") == "a is the best alone, but hardly better than a constant"


def test_a_difference_that_no_bootstrap_can_tell_is_not_measured() -> None:
    unknown = StreamWorth(1.0, Difference(0.2, math.nan, math.nan))
    assert Worth("mae", 2, 1.0, "a", SURE, {"b": unknown}).words("b") == "b adds nothing that can be measured"


def test_streams_that_some_samples_lack_are_compared_on_the_same_samples() -> None:
    data = honest()
    features, lengths = data.modalities["text"].features.copy(), data.modalities["text"].lengths.copy()
    features[:POOL:2], lengths[:POOL:2] = 0, 0
    whole, half = (check(each).worth["mood"] for each in (data, changed(data, "text", features, lengths)))
    assert whole is not None
    assert half is not None
    assert whole.samples == half.samples == POOL
    assert whole.streams["text"].alone < half.streams["text"].alone < half.constant
    assert whole.streams["audio"].alone == half.streams["audio"].alone


def test_the_test_split_changes_nothing() -> None:
    data = honest()
    targets = data.tasks["mood"].targets.copy()
    targets[POOL:] = 9
    other = replace(data, tasks={"mood": Task("regression", targets)})
    assert check(data).worth == check(other).worth


def _worth_rows(data: Dataset) -> tuple[tuple[tuple[str, ...], ...], str]:
    (table,) = (table for table in check_tables(check(data)) if table.title == "Which modalities are worth it")
    return table.rows, table.help


def test_the_table_has_a_row_for_each_task_and_stream() -> None:
    rows, text = _worth_rows(honest())
    assert [row[:2] for row in rows] == [("mood", "text"), ("mood", "audio")]
    assert rows[0][2].startswith("mae 0.")
    assert rows[0][3].startswith("(a constant: 1.")
    assert rows[0][4] == "text is the best alone"
    assert rows[1][4] == "audio adds nothing that can be measured"
    assert "on up to 300 samples of train and valid" in text
    assert "A network may find more. This took " in text


def test_of_one_group_the_table_says_that_nothing_is_known() -> None:
    data = honest()
    one = replace(data, groups=np.zeros(len(data), np.int64), splits={"train": np.arange(240)})
    assert _worth_rows(one) == ((), "Unknown: train and valid have too few labels or groups.")

"""Intervals over samples, drawn by whole groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pytest

from haemsa.cluster.shared import bootstrap
from haemsa.cluster.shared.bootstrap import (
    LEAST_GROUPS,
    Difference,
    drawn_units,
    gain,
    intervals,
    paired_difference,
)
from haemsa.model.data.task import Task
from haemsa.model.metrics import primary

RNG = np.random.default_rng
VALUES = RNG(0).normal(size=200)
ALONE = np.arange(200)


@pytest.fixture(autouse=True)
def _as_many_draws_as_usual(usual_resamples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "RESAMPLES", usual_resamples)


def mean(drawn: np.ndarray) -> list[float]:
    return [float(VALUES[drawn].mean())]


def test_samples_of_a_group_are_drawn_together() -> None:
    groups = np.array([7, 3, 7, *range(10, 20)])
    units = [unit.tolist() for unit in drawn_units(groups)]
    assert units == [[1], [0, 2], *([place] for place in range(3, 13))]


def test_samples_are_drawn_where_there_are_few_groups() -> None:
    groups = np.repeat(np.arange(LEAST_GROUPS - 1), 4)
    assert len(drawn_units(groups)) == len(groups)


def test_the_interval_of_a_mean_is_near_the_one_of_the_normal_distribution() -> None:
    ((low, high),) = intervals(mean, ALONE, RNG(1))
    half = 1.96 * VALUES.std(ddof=1) / 200**0.5
    assert (low, high) == pytest.approx((VALUES.mean() - half, VALUES.mean() + half), abs=0.03)


def test_figures_come_in_their_order_each_with_its_interval() -> None:
    def two(drawn: np.ndarray) -> Sequence[float]:
        return [*mean(drawn), 10 + mean(drawn)[0]]

    first, second = intervals(two, ALONE, RNG(1))
    assert second == pytest.approx((first[0] + 10, first[1] + 10))


def test_samples_that_are_alike_within_groups_give_a_wider_interval() -> None:
    groups = ALONE // 10
    values = RNG(2).normal(size=20)[groups]
    widths = [np.ptp(intervals(lambda drawn: [values[drawn].mean()], of, RNG(0))[0]) for of in (ALONE, groups)]
    assert widths[1] > 2 * widths[0]


@pytest.mark.parametrize("figure", [0.0, 0.7])
def test_a_figure_that_never_changes_has_an_interval_of_no_width(figure: float) -> None:
    assert intervals(lambda drawn: [figure], ALONE, RNG(0)) == [(figure, figure)]


def test_a_figure_that_some_draws_leave_undefined_has_the_interval_of_the_others() -> None:
    def rare(drawn: np.ndarray) -> list[float]:
        return [math.nan if 0 not in drawn else float(VALUES[drawn].mean())]

    ((low, high),) = intervals(rare, ALONE, RNG(0))
    assert low < VALUES.mean() < high


def test_a_single_sample_has_no_interval() -> None:
    ((low, high),) = intervals(mean, np.array([4]), RNG(0))
    assert math.isnan(low)
    assert math.isnan(high)


def test_many_groups_and_many_samples_are_drawn_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def counted(drawn: np.ndarray) -> list[float]:
        calls.append(len(drawn))
        return mean(drawn)

    monkeypatch.setattr(bootstrap, "MOST_CORRECTED", 100)
    monkeypatch.setattr(bootstrap, "_WORK", 30_000)
    intervals(counted, ALONE, RNG(0))
    assert 150 <= len(calls) <= 155  # 30,000 / 200 draws, and no sample is left out in turn


def test_the_same_seed_gives_the_same_interval() -> None:
    assert intervals(mean, ALONE, RNG(3)) == intervals(mean, ALONE, RNG(3)) != intervals(mean, ALONE, RNG(4))


@pytest.mark.parametrize(
    ("task", "good", "bad", "expected"),
    [
        (Task("regression", np.zeros(200, np.float32)), [[1.0]], [[3.0]], 2.0),
        (Task("regression", np.zeros(200, np.float32), bounds=(-2.0, 2.0)), [[1.0]], [[3.0]], 1.0),
        (Task("classes", np.zeros(200, np.int64), ("a", "b")), [[1.0, 0.0]], [[0.0, 1.0]], 1.0),
        (Task("multilabel", np.ones((200, 1), np.float32), ("a",)), [[1.0]], [[-1.0]], 1.0),
    ],
)
def test_a_gain_is_above_0_where_the_first_is_better_whatever_the_metric(
    task: Task, good: list[list[float]], bad: list[list[float]], expected: float
) -> None:
    better, worse = (np.tile(np.array(row, np.float32), (200, 1)) for row in (good, bad))
    assert gain(task, ALONE, better, worse, RNG(0)) == Difference(expected, expected, expected)
    assert gain(task, ALONE, worse, better, RNG(0)).mean == -expected


@pytest.mark.parametrize("kind", ["regression", "classes"])
def test_a_metric_that_is_a_mean_over_samples_has_the_interval_of_the_metric_itself(
    kind: Literal["regression", "classes"], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = RNG(1)
    values, *others = rng.normal(size=(4, 256, 1)).astype(np.float32)  # shares of 256 are exact
    sides = np.stack([values + others[0], values + others[1]]), np.stack([others[2]])
    if kind == "classes":
        sides = tuple(np.concatenate([side, -side], axis=-1) for side in sides)
    targets = (values[:, 0] < 0).astype(np.int64) if kind == "classes" else values[:, 0]
    task = Task(kind, targets, ("a", "b") if kind == "classes" else ())
    given = primary(task), task, np.arange(256) // 4, *sides
    found = paired_difference(*given, RNG(0))
    monkeypatch.setattr(bootstrap, "sample_values", lambda *_: None)
    expected = paired_difference(*given, RNG(0))
    assert found.low < found.high
    assert (found.mean, found.low, found.high) == pytest.approx((expected.mean, expected.low, expected.high))


def test_a_gain_leaves_out_samples_without_a_label() -> None:
    labels = np.zeros(200, np.float32)
    labels[::2] = np.nan
    better, worse = np.zeros((200, 1), np.float32), np.ones((200, 1), np.float32)
    worse[::2] = 99
    assert gain(Task("regression", labels), ALONE, better, worse, RNG(0)).mean == 1

"""Pictures of fronts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from haemsa.cluster.report.figures.front import front_figure, save
from tests.support.cluster.search_fakes import generation

ROWS = [
    {"id": 0, "mae": 0.9, "params": 100.0, "corr": 0.5},
    {"id": 1, "mae": 0.8, "params": 1000.0, "corr": 0.7},
    {"id": 2, "mae": 1.0, "params": 900.0, "corr": 0.6},
]


def test_two_objectives_put_the_second_across_with_costs_on_a_log_scale() -> None:
    axes = front_figure(ROWS, ROWS[:2], {"mae": "min", "params": "min"}).axes[0]
    assert axes.get_ylabel() == "MAE (lower is better)"
    assert axes.get_xlabel() == "parameters (lower is better)"
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
    line = axes.lines[0]
    np.testing.assert_array_equal(line.get_xydata(), [[100, 0.9], [1000, 0.8]])
    assert line.get_drawstyle() == "steps-post"
    assert axes.get_title() == "2 on the front of 3"


def test_an_objective_that_grows_steps_the_other_way() -> None:
    axes = front_figure(ROWS, ROWS[:2], {"mae": "min", "corr": "max"}).axes[0]
    assert axes.get_xlabel() == "Pearson r (higher is better)"
    assert axes.lines[0].get_drawstyle() == "steps-pre"


def test_one_objective_is_drawn_over_candidates_with_the_best_so_far() -> None:
    axes = front_figure(ROWS, ROWS[1:2], {"mae": "min"}, title="toy").axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[0, 0.9], [1, 0.8], [2, 0.8]])
    assert axes.get_title().startswith("toy\n")


def test_a_third_objective_is_colour() -> None:
    figure = front_figure(ROWS, ROWS, {"mae": "min", "params": "min", "corr": "max"})
    assert figure.axes[1].get_ylabel() == "Pearson r (higher is better)"
    np.testing.assert_array_equal(np.sort(figure.axes[0].collections[-1].get_array()), [0.5, 0.6, 0.7])


def test_points_far_worse_than_the_rest_lie_outside_and_are_counted() -> None:
    rows = [{"id": i, "mae": 0.8 + i / 100, "params": 100.0 + i} for i in range(20)]
    rows.append({"id": 20, "mae": 50.0, "params": 500.0})
    axes = front_figure(rows, rows[:1], {"mae": "min", "params": "min"}).axes[0]
    assert axes.get_ylim()[1] < 1.1
    assert axes.get_title().endswith("1 outside the picture")


def test_what_is_no_better_than_a_constant_lies_outside() -> None:
    rows = [{"id": n, "mae": mae, "params": 1.0 + n} for n, mae in enumerate((0.5, 0.6, 1.2, 1.3))]
    objectives = {"mae": "min", "params": "min"}
    axes = front_figure(rows, rows, objectives, constant={"mae": 1.2}).axes[0]
    assert axes.get_ylim() == pytest.approx((0.494, 0.606))
    assert axes.get_title() == "4 on the front of 4, 2 outside the picture"
    assert front_figure(rows, rows, objectives).axes[0].get_title() == "4 on the front of 4"


def test_an_objective_of_a_task_is_named_with_it() -> None:
    rows = [{"id": 0, "emotion/wf1": 0.5}]
    axes = front_figure(rows, rows, {"emotion/wf1": "max"}).axes[0]
    assert axes.get_ylabel() == "weighted F1 of emotion (higher is better)"


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_number_of_objectives_can_be_drawn_even_of_nothing(count: int) -> None:
    objectives = dict(list({"mae": "min", "params": "min", "corr": "max", "flops": "min"}.items())[:count])
    assert front_figure([], [], objectives).axes[0].get_title() == "0 on the front of 0"


def test_a_picture_without_objectives_is_refused() -> None:
    with pytest.raises(ValueError, match="a front has no objectives"):
        front_figure(ROWS, ROWS, {})


def test_a_saved_picture_is_a_png_of_800_by_500(tmp_path: Path) -> None:
    record = generation(2)
    save(front_figure(record.evaluated, record.front, {"mae": "min", "params": "min"}), tmp_path / "front.png")
    data = (tmp_path / "front.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == (800, 500)

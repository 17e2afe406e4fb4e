"""Pictures of a search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyBboxPatch

from haemsa.cluster.report.figures.ancestry import ancestry_figure, trace
from haemsa.cluster.report.figures.genes import share_figure, spread_figure
from haemsa.cluster.report.figures.history import front_history_figure, hypervolume_figure
from haemsa.cluster.report.figures.network import network_figure
from haemsa.cluster.report.figures.search import search_figures
from haemsa.cluster.report.figures.style import SERIES
from haemsa.cluster.report.history import Moment
from haemsa.cluster.report.html import svg
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.model.spec.genome import Genome
from haemsa.model.spec.network import GLOBAL, EncoderSpec, ExpertSpec, GateSpec, LevelSpec, NetworkSpec
from tests.support.cluster.made_run import end_run, made_run

ROWS = [
    {"id": 0, "mae": 0.9, "params": 100.0, "corr": 0.5, "flops": 1e6},
    {"id": 1, "mae": 0.8, "params": 900.0, "corr": 0.7, "flops": 2e6},
]
OLD, NEW = Moment(1, 8, 10.0, 1.0, tuple(ROWS[:1])), Moment(2, 16, 700.0, 1.5, tuple(ROWS))
WAYS = {"mae": "min", "params": "min", "corr": "max", "flops": "min"}


def texts(figure: Any) -> list[str]:
    """All words drawn in the first panel."""
    return [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.slow
def test_no_picture_of_a_run_needs_its_data(tmp_path: Path) -> None:
    with RunDirectory.open(made_run(tmp_path / "run", data="/nowhere/mine.h5"), read_only=True) as run:
        figures = search_figures(run)
    expected = ["front", "hypervolume", "network", "lineage", "parts", "training", "importance", "parallel"]
    assert list(figures) == expected
    assert all(svg(figure).startswith("<svg") for figure in figures.values())


def test_a_run_without_scores_has_no_picture(tmp_path: Path) -> None:
    with RunDirectory.open(made_run(tmp_path / "run", 4, 4, failed=4), read_only=True) as run:
        assert search_figures(run) == {}


def test_older_fronts_are_fainter_than_newer_ones() -> None:
    axes = front_history_figure(ROWS, [OLD, NEW], ROWS, {"mae": "min", "params": "min"}).axes[0]
    old, new = axes.lines[:2]
    assert old.get_alpha() < new.get_alpha()
    np.testing.assert_array_equal(new.get_xydata(), [[100, 0.9], [900, 0.8]])
    assert [text.get_text() for text in axes.figure.legends[0].get_texts()] == [
        "evaluated", "front after 8 evaluations", "front after 16 evaluations",
    ]  # fmt: skip


@pytest.mark.parametrize(("count", "panels"), [(1, 1), (2, 1), (3, 3), (4, 6)])
def test_each_pair_of_objectives_has_a_panel(count: int, panels: int) -> None:
    figure = front_history_figure(ROWS, [OLD, NEW], ROWS, dict(list(WAYS.items())[:count]))
    assert len(figure.axes) == panels
    if count == 3:
        found = [(axes.get_ylabel().split(" (")[0], axes.get_xlabel().split(" (")[0]) for axes in figure.axes]
        assert found == [("MAE", "parameters"), ("MAE", "Pearson r"), ("parameters", "Pearson r")]


def test_a_pointer_on_the_front_tells_the_candidate_and_its_scores(tmp_path: Path) -> None:
    with RunDirectory.open(made_run(tmp_path / "run"), read_only=True) as run:
        drawn = svg(search_figures(run)["front"])
    assert "<g><title>candidate " in drawn
    assert ": mae 0." in drawn


def test_what_was_confirmed_is_told_from_what_the_search_saw(tmp_path: Path) -> None:
    path = made_run(tmp_path / "run")
    end_run(path, 40, (40, 41))
    with RunDirectory.open(path, read_only=True) as run:
        legend = search_figures(run)["front"].legends[0].get_texts()
    assert "trained again from scratch" in [text.get_text() for text in legend]


def test_the_best_score_and_the_hypervolume_are_drawn_over_evaluations_and_over_time_in_a_fitting_unit() -> None:
    figure = hypervolume_figure([OLD, NEW], {"mae": "min", "params": "min"})
    assert [axes.lines[0].get_xdata().tolist() for axes in figure.axes] == [[8, 16], [10 / 60, 700 / 60]] * 2
    best = ROWS[0]["mae"]
    assert [axes.lines[0].get_ydata().tolist() for axes in figure.axes] == [[best, best]] * 2 + [[1.0, 1.5]] * 2
    assert figure.axes[1].get_xlabel().startswith("minutes")
    assert figure.axes[0].get_ylabel() == "best MAE (lower is better)"


def test_a_network_is_drawn_with_what_each_expert_sees() -> None:
    level = LevelSpec(
        (ExpertSpec(("text", GLOBAL), "gated", 2, 48), ExpertSpec(("audio",))), GateSpec("top_k", 3), transfer=False
    )
    genome = Genome(NetworkSpec(16, (EncoderSpec("text", "attention", 4), EncoderSpec("audio")), (level,)))
    figure = network_figure(genome, ("mood",))
    words = texts(figure)
    for expected in ("attention, 4 queries", "gated", "2 x 48", "1 x 32", "level 1", "width 16", "mood"):
        assert expected in words, expected
    assert "top-3 gate: a modality's token hears only its own experts" in words
    assert (
        len([line for line in figure.axes[0].lines if line.get_linewidth() == 1.6]) == 2 + 3
    )  # encoders, what is seen


def test_a_modality_has_the_same_colour_in_every_network_and_over_generations() -> None:
    modalities, colours = ("audio", "text", "vision"), {SERIES[0], SERIES[1], SERIES[2]}
    for names in (("vision", "text", "audio"), ("text",), ("vision", "text")):
        figure = network_figure(Genome(NetworkSpec(8, tuple(map(EncoderSpec, names)))), modalities=modalities)
        drawn = {to_hex(patch.get_edgecolor()) for patch in figure.axes[0].patches}
        assert drawn & colours == {SERIES[modalities.index(name)] for name in names}
    half = np.array([0.5])
    figure = share_figure([3], {"modality": {"text": half, "vision": half}, "encoder": {"mean": half}}, modalities)
    assert [line.get_color() for axes in figure.axes for line in axes.lines] == [SERIES[1], SERIES[2], SERIES[0]]


def test_boxes_of_a_large_network_do_not_overlap() -> None:
    names = ("text", "audio", "vision", "touch", "smell")
    level = LevelSpec(tuple(ExpertSpec(names[:1], width=8 + n) for n in range(6)))
    figure = network_figure(Genome(NetworkSpec(8, tuple(map(EncoderSpec, names)), (level,) * 4)), ("a", "b"))
    boxes = [patch.get_window_extent() for patch in figure.axes[0].patches if isinstance(patch, FancyBboxPatch)]
    assert len(boxes) == 5 + 5 * 6 + 4 * 7 + 2
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])


def test_ancestors_are_joined_to_their_parents_and_founders_are_hollow_squares() -> None:
    axes = ancestry_figure(trace({0: (), 1: (0,), 2: (1,), 3: (1,)}, [2, 3])).axes[0]
    assert sum(len(lines.get_paths()) for lines in axes.collections[:1]) == 3
    assert sorted(texts(axes.figure)) == ["0", "2", "3"]
    assert [dot.get_marker() for dot in axes.lines] == ["s", "o", "o"]


def test_genes_are_drawn_over_generations_also_over_a_single_one() -> None:
    shares = {"text": np.array([0.5]), "audio": np.array([1.0])}
    assert [line.get_label() for line in share_figure([3], {"modality": shares}).axes[0].lines] == ["text", "audio"]
    figure = spread_figure([1, 2], {"learning_rate": np.array([[1e-4, 1e-4], [1e-3, 1e-3], [1e-2, 1e-2]])})
    assert (figure.axes[0].get_title(), figure.axes[0].get_yscale()) == ("learning rate", "log")

"""Interactive pictures: plotly accepts them, and they show what a search holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plotly.graph_objects import Figure

from haemsa.cluster.report.best_model.feature_map import FeatureMap
from haemsa.cluster.report.figures.style import SERIES
from haemsa.cluster.report.page.parts import network_values, slow_parts
from haemsa.cluster.report.page.plots.at_work import _predictions, map_group
from haemsa.cluster.report.page.plots.front import front_group
from haemsa.cluster.report.page.plots.look import Group, Hover
from haemsa.cluster.report.page.plots.progress import best_group, growth_group
from haemsa.cluster.report.page.tables import front_table
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.report.sentences import effort_line
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.shared.files import to_json
from haemsa.evo.candidate import Score
from haemsa.model.data.task import Task
from tests.support.cluster.made_run import end_run, made_run
from tests.support.cluster.search_fakes import OBJECTIVES, candidates


def read(path: Path) -> tuple[SearchRecord, Hover]:
    with RunDirectory.open(path, read_only=True) as run:
        record = SearchRecord.read(run)
    return record, Hover(list(record.objectives), record.full)


def accepted(*groups: Group) -> None:
    """Let plotly judge every trace and layout. It raises for a property or a value that it does not know."""
    for plot in (plot for group in groups for plot in group.plots):
        Figure({"data": list(plot.data), "layout": dict(plot.layout)})
        assert "NaN" not in to_json(plot)


def trace(group: Group, name: str) -> Any:
    return next(item for plot in group.plots for item in plot.data if item.get("name") == name)


def test_plotly_accepts_every_picture_of_a_search(tmp_path: Path) -> None:
    path = made_run(tmp_path / "run")
    end_run(path, 40, (40, 41, 42))
    record, hover = read(path)
    slow = slow_parts(record, hover).plots
    accepted(front_group(record, hover), best_group(record, hover), *slow.values())
    assert {name for name, group in slow.items() if group.plots} == {
        "growth", "parts", "training", "lineage", "importance",
    }  # fmt: skip


def test_a_modality_has_one_colour_on_the_whole_page(tmp_path: Path) -> None:
    record, hover = read(made_run(tmp_path / "run"))
    shares = slow_parts(record, hover).plots["parts"]
    assert record.modalities == ("audio", "text", "vision")
    for place, name in enumerate(record.modalities):
        assert trace(shares, name)["line"]["color"] == SERIES[place]
    alone = next(row for row in record.rows if row.genome.network.modalities == ("text",))
    drawing = str(network_values(record, alone, hover)["drawing"])
    assert SERIES[1] in drawing and SERIES[0] not in drawing


def test_the_confirmed_front_has_errors_and_stands_over_that_of_the_search(tmp_path: Path) -> None:
    path = made_run(tmp_path / "run")
    end_run(path, 40, (40, 41, 42))
    record, hover = read(path)
    front = front_group(record, hover)
    confirmed = trace(front, "front, trained again from scratch")
    assert set(confirmed["customdata"]) == {row.id for row in record.front} <= {40, 41, 42}
    assert confirmed["error_y"]["array"] == [0.01] * len(record.front)
    assert len(trace(front, "front by the search's scores")["x"]) > len(record.front)
    assert trace(best_group(record, hover), "best, trained again")["x"] == [48]


def test_networks_that_were_not_trained_to_the_end_are_pale_and_apart(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with RunDirectory.create(path, made_config(tmp_path), {"objectives": OBJECTIVES}) as run:
        run.journal.asked(candidates(6))
        first = [RungOutcome(n, {"mae": Score(1 - n / 100), "params": Score(100.0 + n)}, 1) for n in range(6)]
        run.journal.record(first, {"evolution": {"ladder": [3, 1, [2, 1], [None, 1]]}})
        record, hover = read(path)
        front = front_group(record, hover)
        assert {item["name"] for item in front.plots[0].data} == {
            "not trained to the end", "front so far, not trained to the end",
        }  # fmt: skip
        run.journal.record([RungOutcome(n, {"mae": Score(0.9), "params": Score(100.0 + n)}, 1, rung=1) for n in (4, 5)])
    record, hover = read(path)
    front = front_group(record, hover)
    assert trace(front, "not trained to the end")["customdata"] == [0, 1, 2, 3]
    assert trace(front, "final scores in the search")["customdata"] == [4, 5]
    assert trace(front, "not trained to the end")["marker"]["opacity"] < 0.3
    assert "rung 1 of 2: not trained to the end" in trace(front, "not trained to the end")["text"][0]
    assert trace(front, "front")["customdata"] == [4]


def with_constant(record: SearchRecord, mae: float) -> SearchRecord:
    return replace(record, manifest={**record.manifest, "constant": {"mae": mae}})


def test_what_is_no_better_than_a_constant_is_hollow_and_chooses_no_axis(tmp_path: Path) -> None:
    path = tmp_path / "run"
    found = [(0.5, 900.0), (0.55, 500.0), (0.6, 300.0), (1.3, 50.0), (1.4, 20.0)]
    with RunDirectory.create(path, made_config(tmp_path), {"objectives": OBJECTIVES}) as run:
        run.journal.asked(candidates(5))
        outcomes = [{"mae": Score(mae), "params": Score(params)} for mae, params in found]
        run.journal.record([RungOutcome(number, outcome, 1) for number, outcome in enumerate(outcomes)])
    record, hover = read(path)
    known = with_constant(record, 1.3)  # as good as one of them
    front = front_group(known, hover)
    accepted(front, best_group(known, hover), growth_group(known.history, known.objectives, known.constant.scores))
    assert trace(front, "front")["customdata"] == [2, 1, 0]
    assert trace(front, "front, no better than a constant")["customdata"] == [4, 3]
    assert front.plots[0].layout["yaxis"]["range"] == pytest.approx([0.494, 0.606])
    assert front.caption.endswith(
        "2 networks of the front lie outside the picture, no better than a constant (mae 1.3)."
    )
    assert best_group(known, hover).caption.endswith(" 2 networks far from it lie outside.")
    assert front_table(known).note == "*: no better than a constant (mae 1.3)."
    assert [row[1] for row in front_table(known).rows] == ["0.5", "0.55", "0.6", "1.3 *", "1.4 *"]
    assert "The front has 5 trade-offs, of which 2 are no better than a constant (mae 1.3)." in effort_line(known)
    assert {item["name"] for item in front_group(record, hover).plots[0].data} == {
        "final scores in the search",
        "front",
    }
    worst = front_group(with_constant(record, 0.1), hover)  # all are as bad
    assert "range" not in worst.plots[0].layout["yaxis"]
    assert trace(worst, "front, no better than a constant")["customdata"] == [4, 3, 2, 1, 0]


def made_config(folder: Path) -> Any:
    with RunDirectory.open(made_run(folder / "other", 4, 4), read_only=True) as run:
        return run.config()


def test_the_best_so_far_is_drawn_over_the_genomes_that_had_ended(tmp_path: Path) -> None:
    record, hover = read(made_run(tmp_path / "run", 12, 4, failed=2))
    best = trace(best_group(record, hover), "best so far")
    scores = [row.scores["mae"].mean for row in record.rows[:10]]
    assert best["y"] == pytest.approx([*np.minimum.accumulate(scores), min(scores)])
    assert best["x"][-1] == 12


def test_a_single_objective_has_its_history_only(tmp_path: Path) -> None:
    record, hover = read(made_run(tmp_path / "run", 12, 4))
    single = replace(record, objectives={"mae": "min"})
    assert not front_group(single, hover).plots
    accepted(best_group(single, Hover(["mae"], 0)))


def test_the_pointer_shows_scores_with_errors_parents_and_genes(tmp_path: Path) -> None:
    record, hover = read(made_run(tmp_path / "run", 12, 4))
    first, *_, parent = hover(record.rows[0]), hover(record.rows[5])
    assert first.splitlines()[0].startswith("<b>candidate 0</b>, without parents<br>mae ")
    assert "± 0.01<br>params" in first
    assert "<br>final scores<br>reads text (attention)<br>1 level: 1 low rank, 1 mlp<br>width 16; gates: top k" in first
    assert " and ".join(map(str, record.rows[5].parents)) in parent


def test_predictions_of_every_kind_of_task_are_drawn() -> None:
    rng = np.random.default_rng(0)
    ids = [f"<{n}>" for n in range(40)]
    felt = Task("regression", np.where(np.arange(40) < 5, np.nan, rng.normal(size=40)).astype(np.float32))
    mood = Task("classes", rng.integers(0, 2, 40), ("sad", "happy"))
    several = Task("multilabel", rng.integers(0, 2, (40, 2)).astype(np.float32), ("a", "b"))
    chances = rng.dirichlet((1, 1), 40)
    plots = [
        _predictions(felt, rng.normal(size=(40, 1)), ids, "felt"),
        _predictions(mood, chances, ids, "mood"),
        _predictions(several, chances, ids, "several"),
    ]
    accepted(Group("", plots))
    assert len(plots[0].data[0]["x"]) == 35
    assert plots[0].data[0]["text"][0] == "&lt;5&gt;"
    assert plots[1].title.startswith("mood: expected calibration error 0.")


def test_a_map_has_the_colour_of_a_number_or_a_trace_for_each_class() -> None:
    places, ids = np.arange(8, dtype=np.float32).reshape(4, 2), tuple("abcd")
    numbers = FeatureMap("best", places, ids, np.array([0.0, 1.0, 2.0, 3.0]), ())
    classes = FeatureMap("best", places, ids, np.array([0, 1, 1, 0]), ("sad", "happy"))
    accepted(map_group([numbers], "felt"), map_group([classes], "mood"))
    assert map_group([numbers], "felt").plots[0].data[0]["marker"]["cmax"] == 3
    assert [item["text"] for item in map_group([classes], "mood").plots[0].data] == [
        ["a: sad", "d: sad"], ["b: happy", "c: happy"],
    ]  # fmt: skip

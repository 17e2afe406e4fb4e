"""The best network of a real search at work, on samples that it held out; and the page in a browser."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from haemsa.cluster.report.best_model.feature_map import feature_map
from haemsa.cluster.report.best_model.held_out import HeldOut, ObservedModel
from haemsa.cluster.report.best_model.missing import goodness, missing_table
from haemsa.cluster.report.best_model.observed import ablations
from haemsa.cluster.report.best_model.usage import groups_of, usage_of
from haemsa.cluster.report.page.at_work import at_work_parts
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.report.sentences import plain_lines
from haemsa.cluster.run_directory.plain_models import PlainModels
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.cluster.search.launch import run_search
from haemsa.model.data.task import Task
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.html_reader import Reader
from tests.support.cluster.tiny import data, settings, stored

pytestmark = pytest.mark.slow

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CONFIG = {"validation": "folds:2", "confirm": 2, "evaluations": 4, "population": 4, "design": "flat_mixture"}
READ = ("text", "audio", "vision")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search scored by two folds, which has ended; its data lies beside it."""
    folder = tmp_path_factory.mktemp("searched")
    return run_search(settings(data=str(stored(folder)), run=str(folder / "run"), **CONFIG)).run


@pytest.fixture(scope="module")
def seen(run: Path) -> ObservedModel:
    return ObservedModel.of(run / "best", settings(**CONFIG), data())


def test_each_sample_of_the_pool_is_answered_by_the_network_that_held_it_out(seen: ObservedModel) -> None:
    held = seen.held
    assert held.data.ids == data().pool().ids
    assert set(held.data.splits) == {"train", "valid"}
    assert held.weights.shape == (len(seen.predictor.members), 160)
    np.testing.assert_array_equal(np.sort(held.weights, axis=0), [[0] * 160, [1] * 160])


def test_held_out_predictions_have_the_score_that_the_search_confirmed(seen: ObservedModel) -> None:
    task, outputs = seen.held.data.tasks["sentiment"], seen.outputs["sentiment"][:, 0]
    errors = [np.abs(outputs - task.targets)[seen.held.of_member(member)].mean() for member in (0, 1)]
    assert np.mean(errors) == pytest.approx(seen.predictor.info["validation"]["sentiment/mae"], rel=1e-3)


def test_of_many_samples_some_are_drawn_and_where_one_split_scores_all_networks_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = HeldOut.of(data(), settings(validation="holdout:3"), 3)
    assert held.data.ids == data().part("valid").ids
    np.testing.assert_allclose(held.weights, 1 / 3)
    monkeypatch.setattr("haemsa.cluster.report.best_model.held_out.MOST", 10)
    few = HeldOut.of(data(), settings(validation="holdout:3"), 3)
    assert (len(few.data), few.total) == (10, 40)
    assert few.words().startswith("At work on 10 of 40 held-out samples, none of the test split")


def test_other_data_than_the_searchs_is_refused(run: Path) -> None:
    other = replace(data(), groups=data().groups + 1)
    with pytest.raises(ValueError, match=r"data '\w+' has fingerprint \w{16}, the search was on \w{16}"):
        ObservedModel.of(run / "best", settings(**CONFIG), other)


def test_samples_are_grouped_by_label_or_by_bands() -> None:
    mood = Task("classes", np.array([0, 1, 1, -1]), ("sad", "happy", "none"))
    assert {name: where.tolist() for name, where in groups_of(mood).items()} == {
        "all": [True, True, True, False],
        "sad": [True, False, False, False],
        "happy": [False, True, True, False],
    }
    felt = Task("regression", np.array([-3, 0.2, 2, np.nan], np.float32), bounds=(-3.0, 3.0))
    assert list(groups_of(felt)) == ["all", "-3 to -1.5", "-0.5 to 0.5", "1.5 to 2"]
    other = Task("regression", np.arange(8, dtype=np.float32))
    assert [int(where.sum()) for where in groups_of(other).values()] == [8, 2, 2, 2, 2]
    several = Task("multilabel", np.array([[1, 1], [0, 1]], np.float32), ("a", "b"))
    assert [where.tolist() for where in groups_of(several).values()] == [[True, True], [True, False], [True, True]]


def test_usage_is_a_share_of_tokens_for_heads_and_of_experts_per_level(seen: ObservedModel) -> None:
    heads, *levels = usage_of(seen, "emotion")
    assert heads.rows[-1] == "global"
    assert heads.columns == ("all", *seen.held.data.tasks["emotion"].labels)
    np.testing.assert_allclose(heads.weights.sum(0), 1, rtol=1e-5)
    assert [len(table.rows) for table in levels] == [len(level.experts) for level in seen.insight.genome.network.levels]


def test_metrics_are_told_for_every_subset_of_what_is_read(seen: ObservedModel) -> None:
    table = missing_table(seen)
    assert next(iter(table)).split("+") == list(READ)
    assert len(table) == 7
    error = np.abs(seen.outputs["sentiment"][:, 0] - seen.held.data.tasks["sentiment"].targets).mean()
    assert next(iter(table.values()))["sentiment/mae"] == pytest.approx(error, rel=1e-5)
    assert "emotion/uar" in next(iter(table.values()))


def test_figures_are_good_within_their_column_and_its_direction() -> None:
    table = {"a+b": {"mae": 0.5, "corr": 0.9, "acc7": 0.3}, "a": {"mae": 0.9, "corr": 0.1, "acc7": 0.3}}
    np.testing.assert_array_equal(goodness(table), [[1, 1, 0], [0, 0, 0]])


def test_a_map_shows_one_network_on_what_it_held_out_and_is_the_same_again(seen: ObservedModel) -> None:
    found, again = (feature_map(seen, "sentiment", "best") for _ in range(2))
    assert found is not None
    assert again is not None
    assert len(found.places) == len(seen.held.of_member(0)) == len(found.labels)
    np.testing.assert_array_equal(found.places, again.places)


def test_maps_of_ablated_searches_are_shown_too(run: Path, seen: ObservedModel, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "no_transfer")
    (tmp_path / "compare.png").touch()
    others = ablations(tmp_path, data())
    assert list(others) == ["no_transfer"]
    assert ablations(None, data()) == ablations(tmp_path / "nowhere", data()) == {}
    with RunDirectory.open(run, read_only=True) as directory:
        parts = at_work_parts(SearchRecord.read(directory), None, tmp_path)
    assert [plot.title for plot in parts.plots["map"].plots] == [
        "the best network",
        "the best of the search with no transfer",
    ]
    assert parts.plots["map"].caption.endswith("Next to it are those of searches without one idea.")
    assert [plot.title.partition(":")[0] for plot in parts.plots["predictions"].plots] == ["sentiment", "emotion"]
    assert parts.html["detail"].count('class="heat"') == 6  # confusion, two of each task, and missing modalities


def test_plain_models_were_scored_on_the_same_folds(run: Path, seen: ObservedModel) -> None:
    with RunDirectory.open(run, read_only=True) as directory:
        record = SearchRecord.read(directory)
    plain = PlainModels.of(record.summary)
    assert plain is not None
    labels = data().pool().tasks["sentiment"].targets
    held = [seen.held.of_member(member) for member in (0, 1)]
    errors = [np.abs(labels[one] - np.median(labels[other])).mean() for one, other in (held, held[::-1])]
    assert plain.scores["a constant"] == pytest.approx(np.mean(errors), rel=1e-5)
    assert 0 < plain.scores["a linear model"] < 3
    assert "plain" not in at_work_parts(record).html
    older = replace(record, summary={"best": {"id": 0}})  # a search of an older version is told the same
    (line, *_) = plain_lines(plain)
    assert line.startswith("To beat: MAE of sentiment of a linear model ")
    assert line in at_work_parts(older).html["plain"]


@pytest.fixture(scope="module")
def page(run: Path) -> Path:
    place = run.parent / "page.html"
    ran = haemsa("report", run, "--out", place)
    assert ran.status == 0, ran.err
    return place


def test_the_report_shows_the_best_at_work_where_the_data_is(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    plots = Reader(text).state["plots"]
    assert plots["predictions"]["plots"][0]["layout"]["xaxis"]["title"]["text"] == "true sentiment"
    assert "What the last layer of the best network reads, as a map (t-SNE)." in plots["map"]["caption"]
    assert [plot["title"] for plot in plots["map"]["plots"]] == ["the best network"]
    assert "<th>off by</th>" in text
    assert "<th>probability given to the true class</th>" in text
    assert "To beat: MAE of sentiment of a linear model " in text
    assert text.count("The samples that are predicted worst: ") == 2
    assert text.count("What is lost without each stream: ") == 2


def test_a_report_without_the_data_says_so_and_takes_it_from_elsewhere(run: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(run.parent, moved)
    config = moved / "run" / "config.yaml"
    config.write_text(config.read_text().replace("tiny.h5", "gone.h5"))
    with RunDirectory.open(moved / "run", read_only=True) as directory:
        record = SearchRecord.read(directory)
    without = at_work_parts(record)
    assert "No pictures of the best network at work: " in without.html["at_work"]
    assert "gone.h5" in without.html["at_work"]
    assert not without.plots
    assert at_work_parts(record, str(moved / "tiny.h5")).plots["predictions"].plots
    with pytest.raises(ValueError, match="data 'digits' has fingerprint"):
        at_work_parts(record, "digits")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to look at the page with")
@pytest.mark.parametrize("dark", [False, True])
def test_a_browser_shows_the_page_light_or_dark_without_an_error(page: Path, tmp_path: Path, dark: bool) -> None:
    from matplotlib.image import imread

    picture = tmp_path / "page.png"
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
        "--enable-logging=stderr", "--window-size=1000,1400", f"--screenshot={picture}",
        f"--blink-settings=preferredColorScheme={0 if dark else 1}", page.as_uri(),
    ]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
    assert "CONSOLE" not in ran.stderr
    pixels = imread(picture)[..., :3]
    paper = np.median(pixels, axis=(0, 1))
    assert paper.max() < 0.2 if dark else paper.min() > 0.9
    assert 0.02 < (np.abs(pixels - paper).max(axis=2) > 0.2).mean() < 0.5  # there is something on it

"""The page of a check: one file that needs nothing more, and that is safe whatever the names in the data are."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from haemsa.cluster.data_check import figures as draw
from haemsa.cluster.data_check.check import DataCheck, check
from haemsa.cluster.data_check.page import page
from haemsa.cluster.report.figures.style import INK
from haemsa.cluster.report.html import svg
from haemsa.model.data.builtin.planted import planted
from haemsa.model.data.dataset import Dataset
from haemsa.model.data.store.file import write
from tests.support.cluster.checked_data import changed, honest, leaking
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.html_reader import Reader

pytestmark = pytest.mark.slow


def hostile() -> Dataset:
    """Data whose names would run, load, draw formulas or paint a terminal."""
    data = honest(kind="classes")
    targets = np.where((data.tasks["mood"].targets == 0) & (data.groups < 60), 1, data.tasks["mood"].targets)
    task = replace(
        data.tasks["mood"], targets=targets, labels=("<script>alert(1)</script>", r"$\frac{$", "愤怒\x1b[31m")
    )
    ids = ("<img src=http://x onerror=alert(1)>", *data.ids[1:])
    groups = data.groups.copy()
    groups[-1] = groups[0]
    notes = ("</p><script>alert(2)</script>",)
    return replace(data, name="<b>&", tasks={"mood": task}, ids=ids, groups=groups, notes=notes)


@pytest.fixture(scope="module")
def found() -> DataCheck:
    return check(leaking(honest(1), "test"))


def test_a_page_needs_no_script_and_nothing_from_elsewhere(found: DataCheck) -> None:
    read = Reader(page(found))
    assert read.open == []
    assert not {"script", "link", "img", "iframe", "object"} & set(read.elements)
    links = [value for name, value in read.attributes if name in ("href", "xlink:href", "src")]
    assert all(link.startswith("#") for link in links)
    assert "url(http" not in page(found)


def test_a_page_is_light_or_dark_as_the_reader_likes_and_its_pictures_too(found: DataCheck) -> None:
    text = page(found)
    assert "prefers-color-scheme: dark" in text
    assert INK not in text
    assert "currentColor" in text
    drawn = svg(draw.label_figure(found))
    assert drawn.startswith("<svg")
    assert not re.findall(r"fill: #(?:fff|ffffff|000|000000)\b(?!; opacity: 0)", drawn)


def test_leaks_come_before_all_else(found: DataCheck) -> None:
    words = Reader(page(found)).words
    assert 0 < words.index("LEAK: audio alone predicts 'mood' in test") < words.index("Modalities")
    noted = Reader(page(check(replace(honest(), notes=("9 cells filled",))))).words
    assert noted.index("No leak was found.") < noted.index("9 cells filled") < noted.index("Modalities")
    assert page(found).count("<figure>") == 4
    assert "No leak was found." in page(check(honest()))


@pytest.mark.filterwarnings("error")
def test_names_are_shown_and_never_obeyed() -> None:
    text = page(check(hostile()))
    read = Reader(text)
    assert read.open == []
    assert not {"script", "img", "b"} & set(read.elements)
    assert "mood: train lacks labels of other splits: <script>alert(1)</script> (valid)" in read.words
    assert "<img src=http://x onerror=alert(1)> with" in read.words
    assert "</p><script>alert(2)</script>" in read.words
    assert "\x1b" not in text


def test_every_picture_is_drawn_where_there_is_something_to_draw() -> None:
    data = planted(sizes=(120, 40, 40))
    features, lengths = data.modalities["vision"].features.copy(), data.modalities["vision"].lengths.copy()
    features[:30], lengths[:30] = 0, 0
    whole, flat = check(changed(data, "vision", features, lengths)), check(honest())
    assert draw.absence_figure(flat) is None
    assert draw.length_figure(flat) is None
    absence, lasting = draw.absence_figure(whole), draw.length_figure(whole)
    assert absence is not None
    assert lasting is not None
    assert [bar.get_width() for bar in absence.axes[0].patches] == [pytest.approx(30 / 120), 0, 0]
    assert [axes.get_title() for axes in lasting.axes] == ["text", "audio", "vision"]
    assert len(draw.skill_figure(whole).axes[0].get_yticklabels()) == 6
    assert page(whole).count("<figure>") == 6


def test_ranges_that_span_many_powers_of_ten_are_drawn_on_a_scale_that_shows_them() -> None:
    data = honest()
    features = data.modalities["audio"].features * np.float32(10) ** np.arange(8, dtype=np.float32)
    figure = draw.range_figure(check(changed(data, "audio", features - np.float32(1e6))))
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "asinh"]


def test_of_many_tasks_the_first_are_drawn_and_the_rest_is_told() -> None:
    data = honest()
    whole = check(replace(data, tasks={f"mood{number}": data.tasks["mood"] for number in range(21)}))
    labels, skills = draw.label_figure(whole), draw.skill_figure(whole)
    assert (len(labels.axes), labels.get_supxlabel()) == (18, "the first 18 of 21")
    assert (len(skills.axes[0].get_yticklabels()), skills.get_supxlabel()) == (40, "the first 40 of 42")


def test_columns_far_from_training_are_drawn_first() -> None:
    data = honest()
    features = data.modalities["text"].features.copy()
    features[data.splits["test"], 0, 7] -= 9
    figure = draw.shift_figure(check(changed(data, "text", features)))
    assert figure is not None
    assert figure.axes[0].get_yticklabels()[0].get_text() == "text 7"
    assert figure.axes[0].patches[0].get_width() < -4


def test_the_command_writes_the_page_also_where_data_leaks(tmp_path: Path) -> None:
    write(leaking(honest(1), "test"), tmp_path / "made.h5")
    ran = haemsa("data", "check", tmp_path / "made.h5", "--out", tmp_path / "pages" / "made.html")
    assert ran.status == 1
    assert Reader((tmp_path / "pages" / "made.html").read_text()).words.count("LEAK: ") == 1

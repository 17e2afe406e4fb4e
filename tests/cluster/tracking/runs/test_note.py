"""What the page of a search in MLflow says at its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from haemsa.cluster.shared.files import write_json
from haemsa.cluster.tracking.records import SearchEnded
from haemsa.cluster.tracking.runs.note import description, draw
from tests.support.cluster.driver import Driven
from tests.support.cluster.search_fakes import started
from tests.support.cluster.trainers import instant

pytestmark = pytest.mark.slow


def drawn(folder: Path, ended: bool) -> Path:
    """What is drawn of a search, before its first candidate or at its end."""
    with Driven(folder / "run", instant) as driven:
        write_json(folder / "run" / "manifest.json", {"objectives": {"mae": "min", "params": "min"}})
        if ended:
            driven.search.run()
        draw(driven.run, folder / "drawn")
    return folder / "drawn"


def test_pictures_report_and_words_are_there_also_when_nothing_was_found(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    before, after = drawn(tmp_path / "a", False), drawn(tmp_path / "b", True)
    assert {path.name for path in before.iterdir()} == {"README.md", "report.html"}
    assert {"README.md", "report.html", "front.png", "network.png"} <= {path.name for path in after.iterdir()}
    report = (after / "report.html").read_text()
    assert f"haemsa report {tmp_path}/b/run adds pictures of the best network at work" in report


def test_what_was_found_comes_first_then_links_the_front_and_the_commands(tmp_path: Path) -> None:
    networks = [{"id": number, "on_front": number < 3} for number in range(4)]
    record = SearchEnded({"model": "models:/haemsa-toy@champion"}, None, Path("runs/toy"), networks=networks)
    folder = drawn(tmp_path, True)
    runs = {number: f"run{number}" for number in range(4)}
    text = description("7", "abc", started(), SearchEnded(**{**vars(record), "pictures": folder}), runs)
    best, links, picture, *_, place = text.split("\n\n")
    assert best.startswith("**The best network ")
    assert links == (
        "[report](#/experiments/7/runs/abc/artifacts/report.html)"
        " · [front](#/experiments/7/runs/abc/artifacts/front.png)"
        " · [networks of the front compared]"
        "(#/compare-runs?runs=%5B%22run0%22%2C%22run1%22%2C%22run2%22%5D&experiments=%5B%227%22%5D&workflowType=machine_learning)"
        " · [champion](#/models/haemsa-toy)"
    )
    assert picture == "![front](get-artifact?path=front.png&run_uuid=abc)"
    assert "To go on:" in text and "haemsa search --resume" in text
    assert place == "Run directory: `runs/toy`"


def test_without_pictures_there_is_still_a_way_to_the_networks() -> None:
    networks = [{"id": number, "on_front": True} for number in range(2)]
    text = description("7", "abc", started(), SearchEnded({}, networks=networks), {0: "run0", 1: "run1"})
    assert text.startswith("[networks of the front compared](#/compare-runs?")

"""The page of a search: one file that needs nothing more, and that is safe whatever the names in it are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from haemsa.cluster.config import SearchConfig
from haemsa.cluster.report.figures.style import INK, PAPER
from haemsa.cluster.report.page.report import write_report
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.evo.candidate import Failure, Score
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.html_reader import Reader
from tests.support.cluster.made_run import end_run, made_run
from tests.support.cluster.search_fakes import OBJECTIVES, candidates


def page_of(path: Path) -> str:
    write_report(path, path / "report.html")
    return (path / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def no_slow_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """They ask which genes matter, which takes a second a page."""
    monkeypatch.setattr("haemsa.cluster.report.record.importance", refused)


def refused(*_: object) -> None:
    raise ValueError("not asked")


def test_the_page_needs_no_other_file_is_light_or_dark_and_begins_with_the_best(tmp_path: Path) -> None:
    path = made_run(tmp_path / "run")
    end_run(path, 40, (40, 41, 42))
    text = page_of(path)
    read = Reader(text)
    assert not {"link", "img", "iframe", "object"} & set(read.elements)
    assert not [value for name, value in read.attributes if name in ("href", "xlink:href", "src")]
    policy = next(value for name, value in read.attributes if value.startswith("default-src"))
    assert policy.startswith("default-src 'none'; ")
    assert "http" not in policy
    assert text.count("plotly.js v") == 1
    assert not {INK, PAPER} & set(re.findall("#[0-9a-f]{6}", read.words))
    assert "prefers-color-scheme: dark" in text
    assert re.findall("<h2>(.*?)</h2>", text) == [
        "What to do next", "The front", "The best score over evaluations", "The best network", "How the search went",
        "Which genes win, and which matter", "Generations", "Workers", "Failures", "Repeat this search",
        "Data, seed and versions",
    ]  # fmt: skip
    assert text.index("The best network reaches") < text.index("haemsa train") < text.index("<figure")
    assert "of the variance of mae among 46 genomes" in read.state["plots"]["importance"]["caption"]


def test_the_page_embeds_its_pictures_and_what_a_click_on_a_network_shows(tmp_path: Path) -> None:
    path = made_run(tmp_path / "run")
    end_run(path, 40, (40, 41, 42))
    state = Reader(page_of(path)).state
    assert state["seen"] is None
    shown = {name for name, group in state["plots"].items() if group["plots"]}
    assert shown == {"front", "best", "growth", "parts", "training", "lineage", "importance"}
    assert len(state["networks"]) == 46
    forty = state["networks"]["40"]
    assert forty["drawing"].startswith("<svg")
    assert "<b>candidate 40</b>, child of " in forty["words"]
    assert "trained again from scratch" in forty["words"]


def test_a_page_of_many_networks_has_the_drawings_of_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_slow_parts: None
) -> None:
    monkeypatch.setattr("haemsa.cluster.report.page.parts._DRAWN", 5)
    path = made_run(tmp_path / "run", failed=0)
    with RunDirectory.open(path, read_only=True) as run:
        best = sorted(run.journal.rows(), key=lambda row: row.scores["mae"].mean)[:5]
    assert {str(row.id) for row in best} <= set(Reader(page_of(path)).state["networks"])


def test_the_page_of_a_search_that_has_not_ended_says_how_to_continue_it(tmp_path: Path, no_slow_parts: None) -> None:
    path = made_run(tmp_path / "run", pending=3)
    text = page_of(path)
    assert f"haemsa search --resume {tmp_path / 'run'}" in text
    assert "48 of 200 genomes evaluated, 2 failures, 3 pending. <span" in text
    assert "Pictures of the best network at work follow when the search has ended" in text


@pytest.mark.parametrize(
    ("left", "words"),
    [
        ({"seconds": 220.0}, "3 pending. About 3m 40s left, until the front is confirmed. <span"),
        ({"seconds": None}, "3 pending. <span"),
        (
            {"seconds": 30.0, "phase": "confirmed 1 of 4", "at": 4e9},
            '3 pending. Confirmed 1 of 4. About 30s left. <span data-since="4000000000.0">',
        ),
    ],
)
def test_the_page_shows_the_time_left_that_the_search_shows(
    tmp_path: Path, left: dict[str, Any], words: str, no_slow_parts: None
) -> None:
    path = made_run(tmp_path / "run", pending=3)
    with RunDirectory.open(path) as run:
        run.journal.note({"left": left})
    assert words in page_of(path)


def test_the_page_says_why_it_is_not_known_which_genes_matter(tmp_path: Path) -> None:
    text = page_of(made_run(tmp_path / "run", 8, 4))
    assert "Not known yet: 6 genomes have final scores, expected at least 20 to tell which genes matter." in text


def test_failures_are_counted_by_kind_also_if_there_is_nothing_else(tmp_path: Path) -> None:
    text = page_of(made_run(tmp_path / "run", 4, 4, failed=4))
    assert "<td>nan</td><td>4</td><td>the loss is not finite</td>" in text
    assert not [name for name, group in Reader(text).state["plots"].items() if group["plots"]]


def test_names_and_messages_are_shown_and_never_obeyed(tmp_path: Path) -> None:
    bad = "</script><script>alert(1)</script>"
    with RunDirectory.create(tmp_path / "run", SearchConfig.of({"data": "planted", "name": bad}), {"data": bad}) as run:
        run.journal.asked(candidates(2))
        scores = {"mae": Score(1.0), "params": Score(3.0), bad: Score(2.0)}
        run.journal.record([RungOutcome(0, scores, 1), RungOutcome(1, Failure("error", bad), 1, worker=bad)])
    (tmp_path / "run" / "search.log").write_text(f"{bad}\n")
    read = Reader(page_of(tmp_path / "run"))
    assert len(read.scripts) == 3
    assert not any("alert" in script for script in read.scripts[1:])
    assert read.words.count(bad) >= 4
    assert "<script" not in read.state["networks"]["0"]["words"]


def test_the_page_tells_versions_data_and_seeds(tmp_path: Path) -> None:
    versions = {"torch": "2.9", "ray": None}
    facts = {"versions": versions, "commit": "abc", "fingerprint": "0123", "seed": 7, "notes": ["odd"]}
    RunDirectory.create(tmp_path / "run", SearchConfig.of({"data": "planted", "seed": 7}), facts).close()
    text = page_of(tmp_path / "run")
    for name, value in (("version of torch", "2.9"), ("commit", "abc"), ("fingerprint", "0123"), ("seed", "7")):
        assert f"<td>{name}</td><td>{value}</td>" in text, name
    assert "<td>note of the data&#39;s reader</td><td>odd</td>" in text
    assert "--seed 7" in text
    assert "version of ray" not in text


def test_long_fronts_are_cut_in_the_table_and_the_page_says_so(tmp_path: Path, no_slow_parts: None) -> None:
    path = tmp_path / "run"
    with RunDirectory.create(path, SearchConfig.of({"data": "planted"}), {"objectives": OBJECTIVES}) as run:
        run.journal.asked(candidates(40))
        run.journal.record(
            [RungOutcome(n, {"mae": Score(1 - n / 100), "params": Score(100.0 + n)}, 1) for n in range(40)]
        )
    assert "The first 30 of 40." in page_of(path)


@pytest.mark.parametrize("given", [[], ["--out", "pages/here.html"]])
def test_the_command_writes_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_slow_parts: None, given: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = haemsa("report", made_run(tmp_path / "run", 8, 4), *given)
    place = Path(given[-1]) if given else tmp_path / "run" / "report.html"
    assert (ran.status, ran.out.strip()) == (0, f"report: {place}")
    assert "Search report: planted" in place.read_text(encoding="utf-8")


def test_the_command_says_in_a_sentence_that_there_is_no_search(tmp_path: Path) -> None:
    sentence = haemsa("report", tmp_path).sentence
    assert sentence == f"run directory {tmp_path} holds no search, expected a folder made by haemsa search"

"""Progress: one legible line, not too many of them, and a bar on a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from haemsa.cluster.shared.progress import PlainProgress, Status, line, progress
from haemsa.cluster.shared.text import duration, number


def test_a_line_says_all_that_is_known() -> None:
    status = Status(48, 200, 2, {"mae": 0.91234, "params": 12345}, 7, 0.957, 70, 220)
    assert (
        line(status) == "48/200 · best mae 0.9123, params 12.3k · front 7 · failed 2 · busy 96% · 1m 10s, 3m 40s left"
    )


def test_a_line_leaves_out_what_is_not_known() -> None:
    assert line(Status(3, elapsed=5)) == "3 evaluations · front 0 · 5s"
    assert line(Status(3, front_size=None, elapsed=5)) == "3 evaluations · 5s"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5"),
        (0.912345, "0.9123"),
        (999.96, "1000"),
        (1234.4, "1234"),
        (56789, "56.8k"),
        (-2e6, "-2.0M"),
        (3e9, "3.0G"),
    ],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0s"), (59.4, "59s"), (59.6, "1m 00s"), (185, "3m 05s"), (7800, "2h 10m")]
)
def test_spans_of_time_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_lines_come_at_generations_and_when_the_last_is_old_and_at_the_end() -> None:
    lines: list[str] = []
    now = [0.0]
    plain = PlainProgress(lines.append, every=10, clock=lambda: now[0])
    for at, status in [(0, Status(1)), (1, Status(2)), (9, Status(3)), (11, Status(4)), (12, Status(5, generation=1))]:
        now[0] = at
        plain.update(status)
    plain.update(Status(6, generation=1))
    plain.finish()
    plain.finish()
    assert [text.split(" ")[0] for text in lines] == ["1", "4", "5", "6"]


def test_without_a_terminal_there_are_plain_lines() -> None:
    out = io.StringIO()
    with progress(Console(file=out, width=40), every=60) as shown:
        shown.note("using [2] workers")
        shown.update(Status(1, 10, best={"emotion/accuracy": 0.5}, front_size=1))
        shown.update(Status(10, 10))
    first, second, third = out.getvalue().splitlines()
    assert first == "using [2] workers"
    assert second == "1/10 · best emotion/accuracy 0.5 · front 1 · 0s"
    assert third.startswith("10/10")


def test_on_a_terminal_there_is_one_bar_and_notes_stay_above() -> None:
    out = io.StringIO()
    with progress(Console(file=out, width=100, force_terminal=True)) as shown:
        shown.update(Status(5, 10, best={"mae": 0.9}, front_size=3))
        shown.note("a worker was replaced")
        shown.update(Status(10, 10, best={"mae": 0.8}, front_size=4))
    assert "a worker was replaced" in out.getvalue()
    last = [text for text in out.getvalue().splitlines() if "front" in text][-1]
    assert "10/10" in last
    assert "mae 0.8" in last


def test_a_line_says_from_which_rung_the_best_scores_are_or_that_they_are_confirmed() -> None:
    best = {"mae": 0.64, "params": 900.0}
    assert "4 evaluations · best mae 0.64, params 900 (rung 1 of 3) · " in line(Status(4, best=best, rung=(1, 3)))
    assert " · best mae 0.64, params 900 · " in line(Status(4, best=best))
    assert "(confirmed)" in line(Status(4, best=best, rung=(3, 3), confirmed=True))


def test_a_line_says_what_is_done_if_it_is_not_the_usual_work() -> None:
    shown = line(Status(8, 8, front_size=3, phase="confirmed 2 of 5", elapsed=9, remaining=4))
    assert shown == "8/8 · confirmed 2 of 5 · front 3 · 9s, 4s left"

"""Output that cannot be shown: other characters, or nothing, but never an error in the work itself."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import TextIO

import pytest
from rich.console import Console
from rich.table import Table

from haemsa.cluster.shared.output import lasting_output
from haemsa.cluster.shared.progress import PlainProgress, Status, lasting, progress


def written_to(number: int, encoding: str = "utf-8") -> TextIO:
    """A stream on an open file, as Python makes standard output; what is not flushed goes when the test ends."""
    return io.TextIOWrapper(io.FileIO(number, "w", closefd=False), encoding=encoding, write_through=True)


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", "3 +- 1 - mae v, params ^ ... cafe | ? ?"),
        ("latin-1", "3 ± 1 · mae v, params ^ ... café | ? ?"),
        ("utf-8", "3 ± 1 · mae ↓, params ↑ … café │ 音 ?"),
    ],
)
def test_characters_that_an_encoding_lacks_are_shown_as_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, shown: str
) -> None:
    with (tmp_path / "out").open("w", encoding=encoding) as file:
        monkeypatch.setattr(sys, "stdout", file)
        with lasting_output():
            print("3 ± 1 · mae ↓, params ↑ … café │ 音 \udcff")  # the last: a byte of a file name that is no text
        assert sys.stdout is file
    assert (tmp_path / "out").read_text(encoding) == shown + "\n"


def test_a_table_has_lines_of_plain_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table("metric", "mean")
    table.add_row("mae", "0.5 ± 0.1")
    with (tmp_path / "out").open("w", encoding="ascii") as file:
        monkeypatch.setattr(sys, "stdout", file)
        with lasting_output():
            Console(width=40).print(table)
    assert "| mae    | 0.5 +- 0.1 |" in (tmp_path / "out").read_text("ascii").splitlines()


def closed_pipe() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def closed_terminal() -> int:
    master, terminal = os.openpty()
    os.close(master)
    return terminal


@pytest.mark.parametrize("gone", [closed_pipe, closed_terminal])
def test_output_goes_nowhere_when_its_reader_is_gone_also_that_of_child_processes(
    monkeypatch: pytest.MonkeyPatch, gone: object
) -> None:
    number = gone()  # type: ignore[operator]
    try:
        with pytest.raises(OSError, match=r"Broken pipe|Input/output error"):
            os.write(number, b"this is how it fails")
        monkeypatch.setattr(sys, "stdout", written_to(number))
        with lasting_output():
            for _ in range(3):
                print("a line", flush=True)
            subprocess.run(["echo", "of a child"], stdout=number, check=True)
    finally:
        os.close(number)


@pytest.mark.timeout(60)
def test_a_bar_outlives_its_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    master, terminal = os.openpty()
    monkeypatch.setattr(sys, "stderr", written_to(terminal))
    try:
        with lasting_output(), progress() as shown:
            shown.update(Status(1, 10))
            seen = b""
            while b"starting" not in seen:  # it may come in several parts
                seen += os.read(master, 4096)
            os.close(master)
            for count in range(2, 10):
                shown.update(Status(count, 10))
                shown.note("a worker was replaced")
    finally:
        os.close(terminal)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_output_that_is_incomplete_because_the_disk_is_full_is_an_error_once_the_work_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = []
    with Path("/dev/full").open("w", encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stdout", file)
        with pytest.raises(OSError, match="the output is incomplete: No space left on device"), lasting_output():
            print("a line", flush=True)
            done.append(True)
            raise SystemExit(0)
    assert done


def test_streams_in_memory_and_closed_ones_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = io.StringIO()
    monkeypatch.setattr(sys, "stdout", memory)
    monkeypatch.setattr(sys, "stderr", None)
    with lasting_output():
        print("kept")
        assert sys.stderr is None
    assert memory.getvalue() == "kept\n"


def test_a_progress_that_can_show_nothing_any_more_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    lines: list[str] = []

    def write(line: str) -> None:
        lines.append(line)
        if len(lines) == 2:
            raise BrokenPipeError("Broken pipe")

    shown = lasting(PlainProgress(write))
    for number in range(4):
        shown.note(str(number))
    shown.update(Status(1))
    assert lines == ["0", "1"]
    assert caplog.messages == ["progress is no longer shown: Broken pipe"]

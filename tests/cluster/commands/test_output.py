"""What cannot be shown, or has no reader any more, ends no command and loses nothing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from haemsa.cluster import api
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.tiny import SPACE, stored

pytestmark = pytest.mark.slow

SMALL = {"space": SPACE, "population": 2, "cohort": 2, "backend": "inline", "tracking": "off", "confirm": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store, small settings and a run directory."""
    folder = tmp_path_factory.mktemp("output")
    stored(folder, "mine")
    (folder / "small.yaml").write_text(yaml.safe_dump({**SMALL, "data": str(folder / "mine.h5"), "evaluations": 2}))
    assert haemsa("search", "--config", folder / "small.yaml", "--run", folder / "run").status == 0
    return folder


class Failing(io.StringIO):
    """A stream in memory that can show nothing at all."""

    def write(self, text: str) -> int:
        raise UnicodeEncodeError("ascii", text, 0, 1, "ordinal not in range(128)")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_search_is_shown_in_the_characters_that_there_are(folder: Path, tmp_path: Path, encoding: str) -> None:
    with (tmp_path / "out").open("w", encoding=encoding) as file:
        assert haemsa("show", folder / "run", into=file).status == 0
    shown = (tmp_path / "out").read_text(encoding)
    assert "sentiment/mae v" in shown
    assert ("+-" if encoding == "ascii" else "±") in shown


def test_the_help_too(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w", encoding="ascii") as file:
        assert haemsa("--help", into=file).status == 0
    assert "- Options -" in (tmp_path / "out").read_text("ascii")


def test_what_training_found_is_registered_and_written_before_it_is_shown(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded: list[Any] = []
    monkeypatch.setattr(api, "record_training", lambda *given: recorded.append(given))
    options = ["--seeds", 1, "--out", tmp_path / "model", "--json", tmp_path / "found.json"]
    ran = haemsa("train", folder / "run", "--data", folder / "mine.h5", *options, into=Failing())
    assert ran.status == 2
    assert len(recorded) == 1
    assert json.loads((tmp_path / "found.json").read_text())["split"] == "test"


@pytest.mark.parametrize(
    "command",
    [
        ["search", "--config", "small.yaml", "--run", "another"],
        ["data", "info", "mine.h5"],
        ["data", "check", "mine.h5"],
        ["evaluate", "run", "--data", "mine.h5"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_the_json_of_a_command_is_written_before_anything_is_shown(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(folder)
    assert haemsa(*command, "--json", tmp_path / "found.json", into=Failing()).status == 2
    assert json.loads((tmp_path / "found.json").read_text())


def test_a_search_whose_terminal_goes_away_runs_to_its_end(folder: Path, tmp_path: Path) -> None:
    master, terminal = os.openpty()
    settings = ["--config", str(folder / "small.yaml"), "--evaluations", "4", "--run", str(tmp_path / "run")]
    command = [sys.executable, "-m", "haemsa", "search", *settings]
    process = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True)
    os.close(terminal)
    shown = b""
    while b"scored" not in shown:
        shown += os.read(master, 4096)
    os.close(master)
    assert process.wait(timeout=100) == 0
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["ended_by"], summary["evaluations"], summary["confirmed"]) == ("evaluations", 4, 1)
    assert (tmp_path / "run" / "best" / "genome.json").exists()
    log = (tmp_path / "run" / "search.log").read_text()
    assert "generation 2: 4/4" in log
    assert "confirmed 1 of 1" in log

"""Signals to a block that may be interrupted, each in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from haemsa.cluster.run_directory.run_directory import RunDirectory
from tests.support.cluster.tiny import settings, stored

pytestmark = pytest.mark.slow

CODE = """
import time
from haemsa.cluster.shared.interrupt import interruptible

try:
    with interruptible():
        try:
            print("begun", flush=True)
            time.sleep(60)
        except KeyboardInterrupt:
            print("ending", flush=True)
            time.sleep(float({rest}))
            print("ended", flush=True)
finally:
    import signal
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
"""


def begun(rest: float) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", CODE.format(rest=rest)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_lets_the_block_end_cleanly(number: signal.Signals) -> None:
    process = begun(rest=0)
    process.send_signal(number)
    assert process.communicate(timeout=20)[0] == "ending\nended\n"
    assert process.returncode == 0


def test_a_search_on_ray_that_is_told_to_end_ends_with_a_summary(tmp_path: Path) -> None:
    given = {"backend": "ray", "workers": 1, "evaluations": 100_000, "confirm": 2, "run": str(tmp_path / "run")}
    (tmp_path / "search.yaml").write_text(settings(data=str(stored(tmp_path)), **given).to_yaml())
    command = [sys.executable, "-c", "from haemsa.cluster.commands.main import main; main()", "search", "--config"]
    process = subprocess.Popen([*command, str(tmp_path / "search.yaml")], stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "run" / "front.csv").exists():  # a generation has ended
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["ended_by"] == "interrupted" and summary["evaluations"] >= 6
    assert "interrupted: what was being trained is lost, the rest is kept" in (tmp_path / "run/search.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_the_process_now(number: signal.Signals) -> None:
    process = begun(rest=60)
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None and process.stdout.readline() == "ending\n"
    process.send_signal(number)
    assert process.communicate(timeout=20)[0] == ""
    assert process.returncode == -number


def begun_in(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """The command in a process of its own, in `folder`, as a shell begins it. It prints to where it can be read."""
    heeds = "signal.signal(signal.SIGINT, signal.default_int_handler)"  # tests in the background ignore it
    code = f"import signal; {heeds}; from haemsa.cluster.commands.main import main; main()"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_search_that_ctrl_c_ends_keeps_its_summary_and_says_by_its_status_that_it_was_ended(tmp_path: Path) -> None:
    given = {"evaluations": 100_000, "confirm": 2, "run": "run", "mode": "generational"}
    (tmp_path / "search.yaml").write_text(settings(data=str(stored(tmp_path)), **given).to_yaml())
    process = begun_in(tmp_path, "search", "--config", "search.yaml", "--json", "found.json")
    while not (tmp_path / "run" / "front.csv").exists():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 130, said
    assert "Traceback" not in said
    found = json.loads((tmp_path / "found.json").read_text())
    assert found == json.loads((tmp_path / "run" / "summary.json").read_text())
    assert found["ended_by"] == "interrupted"


def test_another_command_that_ctrl_c_ends_says_nothing_more(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run", settings(), {}).close()
    process = begun_in(tmp_path, "snapshot", "run", "copy", "--every", "1")
    while not (tmp_path / "copy" / "journal.sqlite").exists():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[0] == ""
    assert process.returncode == 130

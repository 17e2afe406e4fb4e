"""Ray while a search runs: whose it is, when it ends, and what it needs of the machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from haemsa.cluster.workers import ray_session
from haemsa.cluster.workers.ray_session import connected
from tests.support.places import ROOT

SCRIPT = """
import json, threading, ray
from haemsa.cluster.workers.elastic.needs import Needs
from haemsa.cluster.workers.elastic.nodes import room_for
from haemsa.cluster.workers.ray_session import connected

rooms = []
def search(workers):
    with connected(None, 20.0, workers):
        rooms.append(room_for(Needs()))
    rooms.append(ray.is_initialized())

thread = threading.Thread(target=search, args=(1,))
thread.start()
thread.join()
search(2)
print(json.dumps(rooms))
"""


@pytest.mark.slow
def test_searches_in_any_thread_have_a_ray_each_which_needs_neither_a_home_nor_a_short_folder(tmp_path: Path) -> None:
    long = tmp_path / "slurm_jobdir_of_a_user_with_a_long_name" / "1355700" / "tmp.t0016" / "scratch"
    long.mkdir(parents=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment = {**kept, "HOME": "/dev/null", "TMPDIR": str(long), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == [1, False, 2, False]


def test_local_starts_a_ray_whatever_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    class StartedError(Exception):
        pass

    def start(workers: int | None) -> None:
        raise StartedError(workers)

    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.5:6379")
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    monkeypatch.setattr("ray.shutdown", lambda: None)
    monkeypatch.setattr(ray_session, "_start", start)
    with pytest.raises(StartedError, match="3"), connected("local", 20.0, workers=3):
        pass


@pytest.mark.ray
def test_the_ray_of_the_caller_is_used_as_it_is_and_stays(ray_cluster: None) -> None:
    import ray

    with connected(None, 20.0, workers=1):
        assert ray.cluster_resources()["CPU"] == 2
    assert ray.is_initialized()


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """A pretended Ray, which notes what it is told."""
    told: list[Any] = []

    def begin(**given: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        told.append(given)

    def runs() -> bool:
        return bool(told) and told[-1] != "ended"

    ray = SimpleNamespace(init=begin, shutdown=lambda: told.append("ended"), is_initialized=runs)
    monkeypatch.setattr(ray_session, "ray", ray)
    monkeypatch.setenv("RAY_TMPDIR", "/tmp")
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    yield told


def test_our_ray_ends_also_after_an_error_and_sigterm_has_its_handler_again(pretended: list[Any]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), connected(None, 20.0, 3), connected(None, 20.0, 4):
        assert len(pretended) == 1
        raise KeyboardInterrupt
    assert [pretended[0]["num_cpus"], *pretended[1:]] == [3, "ended"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_ray_says_of_nodes_that_die_is_printed_only_outside(
    pretended: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    from ray._private.worker import print_to_stdstream

    def say(line: str) -> str:
        print_to_stdstream({"lines": [line], "pid": "raylet", "is_err": False}, ignore_prefix=False)
        return capsys.readouterr().out

    with connected(None, 20.0, 1):
        assert say("Raylet is terminated. Last 20 lines of the Raylet logs:") == ""
    assert "a node was marked dead" in say("a node was marked dead")  # Ray says nothing twice


def test_searches_of_several_threads_take_turns(pretended: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    def search() -> None:
        with connected(None, 20.0, 2):
            pretended.append("second")

    with connected(None, 20.0, 1):
        thread = threading.Thread(target=search)
        thread.start()
        while "another search of this process uses Ray" not in caplog.text:
            thread.join(0.01)
        pretended.append("first")
    thread.join()
    assert [item if isinstance(item, str) else item["num_cpus"] for item in pretended] == [
        1, "first", "ended", 2, "second", "ended"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("variable", "length", "folder"), [("TMPDIR", 35, None), ("TMPDIR", 36, "/tmp/ray"), ("RAY_TMPDIR", 35, None)]
)
def test_a_folder_that_is_too_long_for_sockets_is_not_used(
    pretended: list[Any], monkeypatch: pytest.MonkeyPatch, variable: str, length: int, folder: str | None
) -> None:
    monkeypatch.delenv("RAY_TMPDIR")
    monkeypatch.setenv(variable, "/" + "t" * (length - 1))
    with connected(None, 20.0):
        assert pretended[0]["_temp_dir"] == folder


def test_a_ray_tmpdir_that_is_too_long_is_refused(pretended: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_TMPDIR", long := "/" + "t" * 35)
    expected = f"RAY_TMPDIR is {long}, expected a path of at most 35 bytes, such as /tmp"
    with pytest.raises(ValueError, match=expected), connected(None, 20.0):
        pass
    assert pretended == ["ended"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied", "/.ray"), r"\[Errno 13\] Permission denied: '/.ray'; expected a"),
        (RuntimeError("Could not determine home directory."), "Could not determine home directory.; expected a"),
    ],
)
def test_a_ray_that_does_not_start_is_told_in_a_sentence(
    pretended: list[Any], monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def begin(**_: Any) -> None:
        raise error

    monkeypatch.setattr(ray_session.ray, "init", begin)
    with pytest.raises(ValueError, match=f"Ray does not start on this machine: {said}"), connected(None, 20.0):
        pass


def test_a_ray_of_our_own_gets_a_token_where_there_is_none(
    pretended: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("theirs")
    with connected(None, 20.0):
        assert "RAY_AUTH_TOKEN" not in os.environ
    monkeypatch.setattr(Path, "home", no_home)
    with connected(None, 20.0):
        assert len(token := os.environ["RAY_AUTH_TOKEN"]) == 64
    with connected(None, 20.0):  # Ray reads its token once a process
        assert os.environ["RAY_AUTH_TOKEN"] == token

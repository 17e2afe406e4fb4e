"""Ray while a search runs: a cluster that is joined, or a Ray of our own that starts and ends with the search."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import ray
from ray._private import worker as ray_worker
from ray.exceptions import RayError

log = logging.getLogger(__name__)
LONGEST_FOLDER: Final = 35
"""Bytes of a folder for Ray's files. Paths of sockets have at most 107 bytes (on macOS 103), and Ray adds up to 68."""
_QUIET: Final[dict[str, Any]] = {"log_to_driver": False, "logging_level": logging.ERROR}
_TURN: Final = threading.RLock()
"""A process has one Ray. So searches in several threads that need a Ray of their own take turns."""


@contextmanager
def connected(address: str | None, timeout: float, workers: int | None = None) -> Iterator[None]:
    """Ray while the block runs, in any thread: the cluster at `address` (None: RAY_ADDRESS), or one of our own.

    A Ray that the caller has initialised is used as it is, and stays. Otherwise Ray is left at the end, and our own is
    ended: its processes would die with the thread that started them, and Ray would then end this process.

    Args:
        address: HOST:PORT, ray://HOST:PORT, "auto", or "local" for one of our own in any case.
        timeout: Seconds that a cluster at the address may take to answer.
        workers: Cores of a Ray of our own, which only this machine can reach. None: all.

    Raises:
        ValueError: If no cluster answers in time, if it does not let us in, or if Ray does not start here.
    """
    if not _TURN.acquire(blocking=False):
        log.warning("another search of this process uses Ray: this one begins when that one has ended")
        _TURN.acquire()
    try:
        if not ray.is_initialized():
            address = None if address == "local" else address or os.environ.get("RAY_ADDRESS") or None
            if address is not None:
                _await(address, timeout)
            with _terminated_as_before(), _ended():
                if address is None:
                    _start(workers)
                else:
                    _join(address)
                with _hushed():
                    yield
            return
    finally:
        _TURN.release()
    yield


@contextmanager
def _ended() -> Iterator[None]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _hushed() -> Iterator[None]:
    """Ray prints no messages of the cluster, such as the log of each node that dies. What matters is told by us.

    `log_to_driver` has no effect on these. This is the switch that Ray's own debugger uses.
    """
    ray_worker._worker_logs_enabled = False
    try:
        yield
    finally:
        ray_worker._worker_logs_enabled = True


@contextmanager
def _terminated_as_before() -> Iterator[None]:
    """Give SIGTERM back its handler, which Ray replaces."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread() and handler is not None:
            signal.signal(signal.SIGTERM, handler)


def _join(address: str) -> None:
    try:
        ray.init(address=address, **_QUIET)
    except (ConnectionError, RuntimeError, RayError) as error:
        raise ValueError(f"Ray at {address} does not let us in: {str(error).splitlines()[0]}") from None


def _start(workers: int | None) -> None:
    """Start a Ray here, bound to loopback. It needs no home, and no short TMPDIR."""
    folder = _folder()
    if not _has_token():
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)  # otherwise Ray keeps one in the home, for all that follow
    here: dict[str, Any] = {"include_dashboard": False, "_node_ip_address": "127.0.0.1", "_temp_dir": folder}
    try:  # Ray would join a cluster that happens to run here; a search without an address has its own
        ray.init(address="local", num_cpus=workers, **here, **_QUIET)
    except (OSError, RuntimeError, RayError) as error:
        line = (str(error).strip() or type(error).__name__).splitlines()[0]
        remedy = "expected a folder in RAY_TMPDIR that can be written, or backend inline, which needs no Ray"
        raise ValueError(f"Ray does not start on this machine: {line}; {remedy}") from None


def _folder() -> str | None:
    """Where Ray keeps its files, if not in its usual place: TMPDIR may be too long for the paths of sockets."""
    given = os.environ.get("RAY_TMPDIR")
    if given is not None:
        if len(os.fsencode(given)) > LONGEST_FOLDER:
            why = f"expected a path of at most {LONGEST_FOLDER} bytes, such as /tmp: Ray's sockets are there"
            raise ValueError(f"RAY_TMPDIR is {given}, {why}")
        return None
    return "/tmp/ray" if len(os.fsencode(os.environ.get("TMPDIR", ""))) > LONGEST_FOLDER else None


def _has_token() -> bool:
    """Whether Ray finds a token, by which only its own processes get in."""
    if os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH"):
        return True
    try:
        return os.access(Path.home() / ".ray" / "auth_token", os.R_OK)
    except RuntimeError:  # there is no home
        return False


def _await(address: str, timeout: float) -> None:
    """Return as soon as Ray answers at `address`.

    Raises ValueError after `timeout` seconds without an answer, or immediately if Ray asks for a token that we lack.
    """
    if address == "auto":
        return
    end = time.monotonic() + timeout
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit() or "/" in host:  # http://... only takes jobs
        raise ValueError(f"address is {address!r}, expected HOST:PORT, ray://HOST:PORT, auto or local")
    problem: str | None = ""
    while (left := end - time.monotonic()) > 0:
        try:
            with socket.create_connection((host, int(port)), timeout=left):
                pass
            problem = _try(address, max(1.0, end - time.monotonic()))
            if problem is None:
                return
        except OSError:
            pass
        time.sleep(min(0.5, max(0.0, end - time.monotonic())))
    raise ValueError(f"no Ray answers at {address} within {timeout:g} seconds{problem}")


def _try(address: str, timeout: float) -> str | None:
    """Join and leave again, in another process, because Ray's client can wait much longer than it is told to.

    Returns None if that went well; otherwise the end of a sentence that says why not. ValueError for a bad token.
    """
    code = "import sys, ray; ray.init(address=sys.argv[1], log_to_driver=False, logging_level='ERROR')"
    once = {**os.environ, "RAY_NUM_REDIS_GET_RETRIES": "1"}  # otherwise Ray asks 20 times
    try:
        ended = subprocess.run(
            [sys.executable, "-c", code, address], env=once, timeout=timeout, capture_output=True, check=False
        )
        if ended.returncode == 0:
            return None
        said = ended.stderr
    except subprocess.TimeoutExpired as error:
        said = error.stderr or b""
    text = said.decode(errors="replace").strip()
    if "InvalidAuthToken" in text:
        token = "that of its head in RAY_AUTH_TOKEN or ~/.ray/auth_token, and RAY_AUTH_MODE=token"
        raise ValueError(f"Ray at {address} asks for a token, expected {token}")
    return f", the last that was heard: {text.splitlines()[-1][:300]}" if text else ""

"""Signals to a block that may be interrupted, each in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

CODE = """
import time
from cluster.interrupt import interruptible

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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_the_process_now(number: signal.Signals) -> None:
    process = begun(rest=60)
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None and process.stdout.readline() == "ending\n"
    process.send_signal(number)
    assert process.communicate(timeout=20)[0] == ""
    assert process.returncode == -number

"""The command itself: its version, the order of its help, and completion by a shell."""

from __future__ import annotations

import pytest

import haemsa as package
from tests.support.cluster.haemsa_command import haemsa

WORK = (
    "data", "search", "list", "show", "report", "watch", "tune", "train", "evaluate", "predict", "export", "compare",
    "ablate", "snapshot", "sync", "ui", "config",
)  # fmt: skip


def test_it_tells_its_version() -> None:
    ran = haemsa("--version")
    assert (ran.status, ran.out) == (0, f"haemsa {package.__version__}\n")


def test_help_lists_the_commands_in_the_order_of_the_work() -> None:
    rows = [line[2:].split(" ")[0] for line in haemsa("--help").out.splitlines() if line.startswith("│ ")]
    listed = [name for name in rows if name in WORK]  # the next line of a description begins with spaces
    assert listed == [name for name in WORK if name in listed]
    assert {"data", "search", "list", "snapshot", "config"} <= set(listed)


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("haemsa se", ["search"]),
        ("haemsa data ", ["info", "import", "check", "embed"]),
        ("haemsa search --eval", ["--evaluations"]),
    ],
)
def test_a_shell_completes_commands_and_options(
    monkeypatch: pytest.MonkeyPatch, words: str, completed: list[str]
) -> None:
    monkeypatch.setenv("_HAEMSA_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    assert haemsa().out.split() == completed

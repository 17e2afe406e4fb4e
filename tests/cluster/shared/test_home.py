"""A command has a home, also where its user has none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from haemsa.cluster.shared.home import some_home


def places() -> tuple[str | None, str | None]:
    return os.environ.get("HOME"), os.environ.get("MPLCONFIGDIR")


def test_a_home_that_can_be_written_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MPLCONFIGDIR", raising=False)
    with some_home():
        assert places() == (str(tmp_path), None)


@pytest.mark.parametrize("own", [None, "/mine"])
def test_a_home_that_cannot_be_written_stays_but_matplotlib_writes_elsewhere(
    monkeypatch: pytest.MonkeyPatch, own: str | None
) -> None:
    monkeypatch.setenv("HOME", "/dev/null/home")
    monkeypatch.setenv("MPLCONFIGDIR", own) if own else monkeypatch.delenv("MPLCONFIGDIR", raising=False)
    with some_home():
        home, pictures = places()
        assert home == "/dev/null/home"
        assert pictures == own if own else Path(str(pictures)).is_dir()
    assert places() == ("/dev/null/home", own)


def test_without_a_home_there_is_one_for_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("MPLCONFIGDIR", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    with some_home():
        home, pictures = places()
        assert home == pictures
        assert Path(str(home)).is_dir()
    assert places() == (None, None)
    assert not Path(str(home)).exists()

"""The short form of `make torture`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torture import torture

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("seed", "kills"), [(0, 1), (3, 2)], ids=["on Ray", "generational"])
def test_a_search_that_is_killed_at_random_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, kills: int
) -> None:
    monkeypatch.setattr(torture, "EVALUATIONS", 18)
    assert torture.torture(tmp_path, [seed], kills) == 0

"""The short form of `make torture`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torture.torture import torture

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", [0, 1], ids=["on Ray", "generational"])
def test_a_search_that_is_killed_at_random_loses_nothing(tmp_path: Path, seed: int) -> None:
    assert torture(tmp_path, [seed], kills=2) == 0

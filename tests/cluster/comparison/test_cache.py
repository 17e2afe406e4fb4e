"""Arrays that are made once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from haemsa.cluster.comparison.cache import Arrays, cached


class Maker:
    """Counts how often it makes, and may be cut off."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> Arrays:
        self.made += 1
        return {"x": np.arange(3.0) + self.made}


def test_what_depends_on_the_same_is_made_once(tmp_path: Path) -> None:
    make = Maker()
    first, again = (cached(tmp_path / "new", "one", {"seed": 1, "names": ["a"]}, make) for _ in range(2))
    assert make.made == 1
    assert np.array_equal(first["x"], again["x"])
    cached(tmp_path / "new", "one", {"seed": 2, "names": ["a"]}, make)
    cached(tmp_path / "new", "other", {"seed": 1, "names": ["a"]}, make)
    assert make.made == 3


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    make = Maker()
    cached(tmp_path, "one", {}, make)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for damaged in (whole[:-40], b"", b"no archive", whole[:60] + b"x" * 20 + whole[80:]):
        path.write_bytes(damaged)
        cached(tmp_path, "one", {}, make)
    assert make.made == 5
    assert cached(tmp_path, "one", {}, make)["x"][0] == 5


def test_nothing_is_left_of_what_was_cut_off_or_would_need_a_pickle(tmp_path: Path) -> None:
    def cut() -> Arrays:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached(tmp_path, "one", {}, cut)
    with pytest.raises(ValueError, match="array 'x' holds Python objects, expected numbers or text"):
        cached(tmp_path, "one", {}, lambda: {"x": np.array([{}])})
    assert list(tmp_path.iterdir()) == []

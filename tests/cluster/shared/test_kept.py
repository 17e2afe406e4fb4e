"""Arrays that are made once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from haemsa.cluster.shared.kept import Kept


def test_what_was_kept_is_found_by_its_name_and_all_that_it_depends_on(tmp_path: Path) -> None:
    kept, depends = Kept(tmp_path / "new"), {"seed": 1, "names": ["a"]}
    assert kept.read("one", depends) is None
    kept.write("one", depends, {"x": np.arange(3.0)})
    assert {name: values.tolist() for name, values in (kept.read("one", depends) or {}).items()} == {"x": [0, 1, 2]}
    assert kept.read("one", {**depends, "seed": 2}) is None
    assert kept.read("other", depends) is None


def test_a_damaged_file_counts_as_none(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.write("one", {}, {"x": np.arange(3.0)})
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for damaged in (whole[:-40], b"", b"no archive", whole[:60] + b"x" * 20 + whole[80:]):
        path.write_bytes(damaged)
        assert kept.read("one", {}) is None


def test_what_would_need_a_pickle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="array 'x' holds Python objects, expected numbers or text"):
        Kept(tmp_path).write("one", {}, {"x": np.array([{}])})
    assert list(tmp_path.iterdir()) == []

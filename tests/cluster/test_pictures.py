"""Pictures of a search that has ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from driver import Driven
from trainers import instant

from cluster.files import write_json
from cluster.journal import JournalRow
from cluster.pictures import hypervolumes, search_figures, write_pictures
from cluster.tables import thinned
from evo.candidate import Score


def row(number: int, generation: int, mae: float, params: float) -> JournalRow:
    """A candidate that has ended."""
    scores = {"mae": Score(mae), "params": Score(params)}
    return JournalRow(number, "", "", (), 0, "done", generation, (scores,), None, None, None, 0.0, None)


def test_the_hypervolume_after_each_generation_is_that_of_its_front() -> None:
    rows = [row(0, 1, 3, 1), row(1, 1, 3, 3), row(2, 2, 1, 3), row(3, 3, 3, 3)]
    # below (4, 4): 1 x 3 of the first, and 2 x 1 more of the third; the others are dominated
    assert hypervolumes(rows, {"mae": "min", "params": "min"}, [4, 4]) == [(2, 3.0), (3, 5.0), (4, 5.0)]


def test_what_is_to_be_large_counts_from_its_negative() -> None:
    rows = [row(0, 1, 0.75, 1)]
    assert hypervolumes(rows, {"mae": "max", "params": "min"}, [0.0, 3.0]) == [(1, pytest.approx(1.5))]


def test_a_search_leaves_a_front_and_a_curve_and_none_before_it_has_scores(tmp_path: Path) -> None:
    with Driven(tmp_path / "run", instant) as driven:
        write_json(tmp_path / "run" / "manifest.json", {"objectives": {"mae": "min", "params": "min"}})
        assert search_figures(driven.run) == {}
        driven.search.run()
        write_pictures(driven.run, tmp_path / "pictures")
    found = {path.name: path.read_bytes()[1:4] for path in (tmp_path / "pictures").iterdir()}
    assert found == {"front.png": b"PNG", "hypervolume.png": b"PNG"}


def test_rows_are_thinned_evenly_from_the_first_to_the_last() -> None:
    rows = [{"id": number} for number in range(10)]
    assert [item["id"] for item in thinned(rows, 4)] == [0, 3, 6, 9]
    assert thinned(rows, 10) == rows

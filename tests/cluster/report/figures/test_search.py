"""Pictures of a search that has ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from haemsa.cluster.report.figures.search import write_pictures
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.run_directory.tables import thinned
from haemsa.cluster.shared.files import write_json
from tests.support.cluster.driver import Driven
from tests.support.cluster.trainers import instant


@pytest.mark.slow
def test_a_search_leaves_a_file_for_each_picture_and_none_before_it_has_scores(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    with Driven(tmp_path / "run", instant) as driven:
        write_json(tmp_path / "run" / "manifest.json", {"objectives": {"mae": "min", "params": "min"}})
        write_pictures(SearchRecord.read(driven.run), before)
        driven.search.run()
        write_pictures(SearchRecord.read(driven.run), after)
    assert list(before.iterdir()) == []
    found = {path.name: path.read_bytes()[1:4] for path in after.iterdir()}
    assert {"front.png", "hypervolume.png", "network.png", "lineage.png", "parts.png", "training.png"} <= set(found)
    assert set(found.values()) == {b"PNG"}


def test_rows_are_thinned_evenly_from_the_first_to_the_last() -> None:
    rows = [{"id": number} for number in range(10)]
    assert [item["id"] for item in thinned(rows, 4)] == [0, 3, 6, 9]
    assert thinned(rows, 10) == rows

"""What stands beside the best network at work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from haemsa.cluster.report.page.at_work import unbeaten
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.run_directory.ranking import scores_of
from haemsa.cluster.run_directory.run_directory import RunDirectory
from tests.support.cluster.made_run import made_run


def test_plain_models_that_are_better_than_the_best_network_are_named(tmp_path: Path) -> None:
    with RunDirectory.open(made_run(tmp_path / "run", 8, 4), read_only=True) as run:
        record = SearchRecord.read(run)
    assert record.best is not None
    own = scores_of(record.best)["mae"].mean
    scores = {"a linear model": own - 0.01, "a constant": own + 0.01}
    said = "The best network is worse than {}. Search longer, or use that."
    assert unbeaten(record, "mae", scores) == [said.format("a linear model")]
    assert unbeaten(record, "mae", {"a constant": own}) == []
    rising = replace(record, objectives={"mae": "max"})
    assert unbeaten(rising, "mae", scores) == [said.format("a constant")]

"""The figures of a model that was trained for good stand on the page of its search, and on no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from haemsa.cluster.report.page.trained import trained_part
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.run_directory.run_directory import RunDirectory
from tests.support.cluster.made_run import made_run
from tests.support.cluster.search_fakes import genome
from tests.support.cluster.trained import trained_model


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SearchRecord:
    monkeypatch.chdir(tmp_path)
    with RunDirectory.open(made_run(tmp_path / "run", 8, 4), read_only=True) as run:
        return SearchRecord.read(run)


def test_a_model_of_the_search_is_told_with_its_interval_and_what_it_must_beat(record: SearchRecord) -> None:
    assert record.best is not None
    trained_model(Path("models/planted"), record.best.genome)
    html = trained_part(record).html
    line = "The trained model models/planted reaches MAE 0.3900 (95 % interval 0.3600 to 0.4200) on the test split"
    assert f"{line}; a linear model 0.5200, a constant 1.2650." in html["trained"]
    assert "The model was trained on &lt;all&gt;. Intervals are" in html["tested"]
    assert "<td>mae</td><td>0.3900</td><td>0.3600 to 0.4200</td><td>0.4000</td>" in html["tested"]


@pytest.mark.parametrize("changed", [{"origin": "elsewhere"}, {"fingerprint": "other"}, {"models": {}}, {"models": 3}])
def test_another_model_is_not_shown(record: SearchRecord, changed: dict[str, Any]) -> None:
    trained_model(Path("models/planted"), **changed)
    assert trained_part(record).html == {"trained": "", "tested": ""}


def test_a_model_of_a_network_that_is_no_longer_the_best_is_told_as_such(record: SearchRecord) -> None:
    assert record.best is not None
    trained_model(Path("models/planted"), genome(9), began=2.0)
    told = "models/planted, which is of another network than the best one of now, reaches MAE 0.3900"
    assert told in trained_part(record).html["trained"]
    trained_model(Path("models/planted-2"), record.best.genome, began=1.0)
    assert "The trained model models/planted-2 reaches" in trained_part(record).html["trained"]


def test_a_model_that_was_asked_for_must_be_of_the_search(record: SearchRecord) -> None:
    folder = trained_model(Path("mine"))
    assert "The trained model mine" in trained_part(record, folder).html["trained"]
    with pytest.raises(ValueError, match="folder nowhere holds no scores of a model of this search, expected that of"):
        trained_part(record, Path("nowhere"))


def test_the_line_tells_the_objective_of_the_search_and_not_the_first_metric_of_the_data(record: SearchRecord) -> None:
    score = {"mean": 0.5, "std": 0.0, "values": [0.5]}
    scores = {"model": {"loss": score, "mae": {**score, "mean": 0.4}}}
    trained_model(Path("models/planted"), models=scores, objective="loss")
    assert "reaches MAE 0.4000 on the test split" in trained_part(record).html["trained"]

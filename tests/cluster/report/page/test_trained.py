"""The figures of a model that was trained for good stand on the page of its search, and on no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from haemsa.cluster.report.page.trained import trained_part
from haemsa.cluster.report.record import SearchRecord
from haemsa.cluster.run_directory.run_directory import RunDirectory
from tests.support.cluster.made_run import made_run


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SearchRecord:
    monkeypatch.chdir(tmp_path)
    with RunDirectory.open(made_run(tmp_path / "run", 8, 4), read_only=True) as run:
        return SearchRecord.read(run)


def model(folder: Path, **changed: Any) -> Path:
    """What haemsa train leaves of its scores."""
    score = {"mean": 0.39, "std": 0.0, "values": [0.39]}
    models = {
        "model": {"mae": {**score, "interval": [0.36, 0.42]}},
        "each seed": {"mae": {"mean": 0.4, "std": 0.01, "values": [0.4, 0.4]}},
        "linear model": {"mae": {**score, "mean": 0.52}},
        "constant": {"mae": {**score, "mean": 1.265}},
    }
    facts = {"models": models, "split": "test", "objective": "mae", "origin": "run", "protocol": "trained on <all>"}
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps({**facts, **changed}))
    return folder


def test_a_model_of_the_search_is_told_with_its_interval_and_what_it_must_beat(record: SearchRecord) -> None:
    model(Path("models/planted"))
    html = trained_part(record).html
    line = "The trained model models/planted reaches MAE 0.3900 (95 % interval 0.3600 to 0.4200) on the test split"
    assert f"{line}; a linear model 0.5200, a constant 1.2650." in html["trained"]
    assert "The model was trained on &lt;all&gt;. Intervals are" in html["tested"]
    assert "<td>mae</td><td>0.3900</td><td>0.3600 to 0.4200</td><td>0.4000</td>" in html["tested"]


@pytest.mark.parametrize("changed", [{"origin": "elsewhere"}, {"fingerprint": "other"}, {"models": {}}, {"models": 3}])
def test_another_model_is_not_shown(record: SearchRecord, changed: dict[str, Any]) -> None:
    model(Path("models/planted"), **changed)
    assert trained_part(record).html == {"trained": "", "tested": ""}


def test_a_model_that_was_asked_for_must_be_of_the_search(record: SearchRecord) -> None:
    folder = model(Path("mine"))
    assert "mine reaches MAE" in trained_part(record, folder).html["trained"]
    with pytest.raises(ValueError, match="folder nowhere holds no scores of a model of this search, expected that of"):
        trained_part(record, Path("nowhere"))


def test_the_line_tells_the_objective_of_the_search_and_not_the_first_metric_of_the_data(record: SearchRecord) -> None:
    score = {"mean": 0.5, "std": 0.0, "values": [0.5]}
    model(Path("models/planted"), models={"model": {"loss": score, "mae": {**score, "mean": 0.4}}}, objective="loss")
    assert "models/planted reaches MAE 0.4000 on the test split" in trained_part(record).html["trained"]

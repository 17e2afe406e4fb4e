"""The benchmark of missing modalities: small, and what its table says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.full import full_report, missing, quality
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.tiny import SPACE, data, stored

pytestmark = pytest.mark.slow


def test_every_subset_is_tested_with_three_genomes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def run(*words: str) -> None:
        ran.append(words[0])
        assert haemsa(*words).status == 0

    for module in (missing, quality):
        monkeypatch.setattr(module, "haemsa", run)
    two = {name: data().modalities[name] for name in ("text", "audio")}
    store = stored(tmp_path, dataset=replace(data(), modalities=two))
    config = tmp_path / "search.yaml"
    small = {"backend": "inline", "cohort": 2, "validation": "holdout", "confirm": 0, "rungs": False, "space": SPACE}
    config.write_text(json.dumps(small))
    options = ("--config", str(config), "--population", "2")
    found = missing.table("tiny", str(store), tmp_path, trials=2, seeds=1, options=options)
    assert list(found["subsets"]) == ["text+audio", "text", "audio"]
    assert {tuple(errors) for errors in found["subsets"].values()} == {("missing_mae", "mae", "alone")}
    assert found["subsets"]["text+audio"]["alone"] == found["subsets"]["text+audio"]["mae"]
    assert ran == ["search", "train", "evaluate"] * 4
    assert missing.table("tiny", str(store), tmp_path, trials=2, seeds=1, options=options) == found
    assert len(ran) == 12


def test_the_report_tells_where_it_is_further_off(capsys: pytest.CaptureFixture[str]) -> None:
    errors = {"text": {"missing_mae": 0.505, "mae": 0.6, "alone": 0.5}, "audio": dict.fromkeys(missing.KINDS, 0.9)}
    errors["audio"]["alone"] = 0.85
    full_report._missing({"missing/tiny": {"subsets": errors}})
    *_, text, audio = capsys.readouterr().out.splitlines()
    assert text.split() == ["text", "0.5050", "+0.0050", "0.6000", "+0.1000", "0.5000"]
    assert audio.endswith("0.8500  further off: haemsa loses here")

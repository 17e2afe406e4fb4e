"""The models of a search, and which of them are of its best network of now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from haemsa.cluster.report.trained_models import free_folder, trained_models
from tests.support.cluster.search_fakes import genome
from tests.support.cluster.trained import trained_model

RUN = Path("run")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def names(best: int) -> list[tuple[str, bool]]:
    return [(found.folder.name, found.of_best) for found in trained_models(RUN, "abcd", genome(best))]


def test_models_of_the_best_network_come_first_and_the_latest_of_them() -> None:
    assert names(1) == []
    for name, number, began in (("a", 1, 1.0), ("b", 2, 9.0), ("c", 1, 2.0)):
        trained_model(Path("models", name), genome(number), began=began, fingerprint="abcd")
    trained_model(Path("models/d"), genome(1), origin="other", fingerprint="abcd")
    trained_model(Path("models/e"), genome(1), fingerprint="other")
    assert names(1) == [("c", True), ("a", True), ("b", False)]
    assert names(2) == [("b", True), ("c", False), ("a", False)]
    assert trained_models(RUN, "abcd", None, Path("models/b"))[0].of_best is False


def test_a_model_of_the_best_ensemble_counts_too() -> None:
    members = [{"genome": genome(number).to_dict(), "count": number} for number in (3, 4)]
    (RUN / "ensemble").mkdir(parents=True)
    (RUN / "ensemble" / "members.json").write_text(json.dumps(members))
    folder = trained_model(Path("models/both"), genome(3), fingerprint="abcd")
    assert names(1) == [("both", False)]
    (folder / "model.json").write_text(json.dumps({"genomes": [genome(n).to_dict() for n in (4, 3, 4, 3)]}))
    assert names(1) == [("both", True)]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"genomes": 3}', '{"genomes": [{"format": 99}]}'])
def test_a_model_whose_genomes_cannot_be_read_is_of_another_network(text: str) -> None:
    folder = trained_model(Path("models/damaged"), fingerprint="abcd")
    (folder / "model.json").write_text(text)
    assert names(1) == [("damaged", False)]


def test_a_folder_without_a_model_is_free() -> None:
    Path("models/mine").mkdir(parents=True)
    assert free_folder("mine") == Path("models/mine")
    trained_model(Path("models/other"))
    assert free_folder("other") == Path("models/other-2")

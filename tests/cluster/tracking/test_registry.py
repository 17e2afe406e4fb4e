"""Which model the alias `champion` is, and who moves it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from haemsa.cluster.tracking import registry
from haemsa.cluster.tracking.records import ModelTrained
from haemsa.cluster.tracking.registry import register, why_not

VALID = "on the validation split"
TRAINED = ModelTrained(
    "toy",
    Path("nowhere"),
    "aaaa",
    "mae",
    "min",
    0.8,
    "{}",
    "toydata",
    alias="trained",
    measured=VALID,
)
FOUND = replace(TRAINED, alias="champion", measured="in the search, by holdout", score=0.5)


def champion(record: ModelTrained, *without: str) -> Any:
    """The version of a record as the registry keeps it, without the tags that an older version did not write."""
    names = ("fingerprint", "objective", "direction", "measured", "alias")
    tags = {name: getattr(record, name) for name in names} | {"score": repr(record.score)}
    return SimpleNamespace(version=3, tags={name: value for name, value in tags.items() if name not in without})


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (FOUND, None),
        (replace(TRAINED, score=math.nan), None),
        (replace(TRAINED, score=0.79), champion(TRAINED)),
        (replace(TRAINED, score=0.81, direction="max"), champion(replace(TRAINED, direction="max"))),
        (TRAINED, champion(replace(TRAINED, score=math.nan))),
        (TRAINED, champion(FOUND)),  # whatever the scores: they are measured in other ways
        (replace(TRAINED, score=math.nan), champion(FOUND)),
        (TRAINED, champion(FOUND, "alias", "measured")),
        (replace(FOUND, score=0.4), champion(FOUND)),
        (replace(FOUND, score=0.4), champion(FOUND, "alias", "measured")),
    ],
)
def test_the_champion_moves_to_the_model_to_serve(new: ModelTrained, old: Any) -> None:
    assert why_not(new, old) is None


def test_a_model_that_gets_its_encoders_is_another_version(tmp_path: Path) -> None:
    record = replace(TRAINED, model_dir=tmp_path)
    without = registry._key(record)
    assert without == registry._key(TRAINED)
    (tmp_path / "encoders").mkdir()
    assert registry._key(record) != without


class Client:
    """A registry with one version, which has no alias yet, and of which the tags are kept."""

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}

    def create_model_version(self, name: str, place: str, run_id: str, tags: dict[str, str], **_: object) -> Any:
        self.tags = tags
        return SimpleNamespace(version="1", run_id=run_id)

    def get_registered_model(self, name: str) -> Any:
        return SimpleNamespace(aliases={})

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: []


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    logged = SimpleNamespace(source_run_id="run", artifact_location="place", model_id="m-1")
    for name, value in {"log_model": logged, "model_card": "# card"}.items():
        monkeypatch.setattr(registry, name, lambda *_, value=value: value)
    monkeypatch.setattr("haemsa.model.predictor.predictor.Predictor.load", lambda _: None)
    return Client()


def test_a_plain_model_that_is_better_keeps_no_network_from_being_the_champion(client: Any) -> None:
    told: list[str] = []
    address = register(client, "1", replace(FOUND, better_plain="a linear model"), "search", told.append)
    assert address == "models:/haemsa-toy@champion"
    assert told == ["the champion of haemsa-toy is version 1 now, though a linear model is better"]
    assert client.tags["better_plain_model"] == "a linear model"
    register(client, "1", FOUND, "search", told.append)
    assert told[1] == "the champion of haemsa-toy is version 1 now"
    assert "better_plain_model" not in client.tags


def test_a_network_whose_score_is_not_confirmed_is_registered_and_is_not_the_champion(client: Any) -> None:
    told: list[str] = []
    so_far = replace(FOUND, confirmed=False, score=0.1)
    assert register(client, "1", so_far, "search", told.append) == "models:/haemsa-toy/1"
    assert told == ["the champion of haemsa-toy stays empty: the score of this network is not confirmed"]
    assert client.tags["confirmed"] == "no"
    assert why_not(so_far, champion(FOUND)) == "version 3: the score of this network is not confirmed"


OTHER_WAY = "version 3: it was scored in another way"


@pytest.mark.parametrize(
    ("new", "old", "why"),
    [
        (replace(FOUND, score=math.nan), None, "empty: this model has no score"),
        (
            replace(TRAINED, score=0.832), champion(replace(TRAINED, score=0.789)),
            "version 3: its mae on the validation split is 0.789, that of this model 0.832",
        ),
        (TRAINED, champion(TRAINED), "version 3: its mae on the validation split is 0.8, that of this model 0.8"),
        (replace(TRAINED, score=math.nan), champion(TRAINED), "version 3: this model has no held-out score"),
        (
            replace(FOUND, score=0.1), champion(TRAINED),
            "version 3: haemsa train made it, and this is a search's own network",
        ),
        (replace(TRAINED, score=0.1, fingerprint="bbbb"), champion(FOUND), "version 3: it was scored on other data"),
        (replace(TRAINED, score=0.1, objective="acc2"), champion(TRAINED), OTHER_WAY),
        (replace(TRAINED, score=0.1, measured="by cross-validation"), champion(TRAINED), OTHER_WAY),
        (replace(FOUND, score=0.1, measured="in the search, by folds"), champion(FOUND), OTHER_WAY),
    ],
)  # fmt: skip
def test_otherwise_it_stays_and_a_sentence_says_why(new: ModelTrained, old: Any, why: str) -> None:
    assert why_not(new, old) == why

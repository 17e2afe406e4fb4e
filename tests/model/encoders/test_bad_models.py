"""Models that cannot be used: each is refused in one sentence, before anything is encoded."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from haemsa.model.encoders import model_folder
from haemsa.model.encoders.choice import Choice
from haemsa.model.encoders.opening import open_encoder
from tests.support.model import tiny_encoders as tiny


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.tiny_text(tmp_path_factory.mktemp("models") / "bert")


def refused(choice: Choice, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        open_encoder(choice)
    assert "\n" not in str(caught.value)


def test_an_encoder_of_another_modality(text: Path) -> None:
    refused(Choice("audio", str(text)), "^model '.*bert' encodes text, expected an encoder of audio$")
    refused(Choice("vision", str(text)), "^model '.*bert' encodes text, expected an encoder of vision$")


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    refused(Choice("text", str(tmp_path)), "has no config.json, expected a folder that transformers wrote")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    refused(Choice("text", str(tmp_path)), r"has no weights, expected \*.safetensors in its folder")
    refused(Choice("text", str(tmp_path / "config.json")), "is no folder, expected one with config.json and weights")


def test_weights_in_a_pickle_unless_the_user_allows_it(tmp_path: Path) -> None:
    folder = str(tiny.tiny_text(tmp_path / "old", safe=False))
    refused(Choice("text", folder), "only in a pickle, which could run any code, expected .*safetensors")
    assert open_encoder(Choice("text", folder, pickled=True)).width == 16


def test_damaged_weights_and_weights_of_another_model(tmp_path: Path) -> None:
    folder = tiny.tiny_text(tmp_path / "bert")
    tiny.tiny_vision(tmp_path / "vit")
    (tmp_path / "vit" / "model.safetensors").replace(folder / "model.safetensors")
    refused(Choice("text", str(folder)), "^model '.*bert' lacks weights for .* of its .* arrays, expected those")
    (folder / "model.safetensors").write_bytes(b"damaged")
    refused(Choice("text", str(folder)), r"^model '.*bert' cannot be loaded \(")


def test_a_model_without_its_processor(tmp_path: Path) -> None:
    folder = tiny.tiny_vision(tmp_path / "vit")
    (folder / "preprocessor_config.json").unlink()
    refused(Choice("vision", str(folder)), "^model '.*vit' has no preprocessor_config.json that can be read")


def test_a_text_model_without_its_words(tmp_path: Path) -> None:
    folder = tiny.tiny_text(tmp_path / "bert")
    for file in (*folder.glob("vocab*"), *folder.glob("tokenizer*")):
        file.unlink()
    expected = "^model '.*bert' has no tokenizer, expected one of vocab.txt, tokenizer.json in its folder$"
    refused(Choice("text", str(folder)), expected)


def test_a_name_on_the_hub_without_a_network() -> None:
    refused(Choice("text", "nobody/nothing"), "^model 'nobody/nothing' is no folder here, and the hub cannot be")


def test_missing_packages(monkeypatch: pytest.MonkeyPatch, text: Path) -> None:
    monkeypatch.setattr(model_folder, "find_spec", lambda name: None)
    expected = "to encode clips, transformers, av must be there: pip install 'haemsa[encoders]'"
    refused(Choice("text", str(text)), f"^{re.escape(expected)}$")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"kind": "smell"}, "an encoder is of 'smell', expected one of text, audio, vision"),
        ({"layers": 0}, "layers is 0, expected 1 or more"),
        ({"steps": 0}, "steps is 0, expected 1 or more"),
        ({"rate": 0.0}, "the rate of text is 0 steps a second, expected more than 0"),
        ({"name": "a b"}, "a stream is named 'a b', expected letters"),
    ],
)
def test_choices_that_make_no_sense(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Choice(**{"kind": "text", "model": "any", **given})  # type: ignore[arg-type]

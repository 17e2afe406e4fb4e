"""Adapters in an encoder with random weights: what they change, how they are kept, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from haemsa.model.data.clips.clip import Clip
from haemsa.model.encoders import adapters as adapters_file
from haemsa.model.encoders.adapters import RANK, Adapters, merge_adapters, write_adapters
from haemsa.model.encoders.choice import Choice
from haemsa.model.encoders.opening import open_encoder
from haemsa.model.encoders.text import TextEncoder
from tests.support.model import tiny_encoders as tiny

TEXTS = ("the film was good", "not so good", "bad")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.tiny_text(tmp_path_factory.mktemp("encoders") / "bert"))


def opened(text: str) -> TextEncoder:
    encoder = open_encoder(Choice("text", text))
    assert isinstance(encoder, TextEncoder)
    return encoder


def encoded(encoder: TextEncoder) -> Any:
    return np.concatenate([one.features for one in encoder.encode([Clip(text) for text in TEXTS])])


def random_state(adapters: Adapters) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return {name: torch.randn(one.shape, generator=generator) / 4 for name, one in adapters.state().items()}


def test_new_adapters_change_nothing_and_a_seed_draws_them(text: str) -> None:
    encoder, before = opened(text), encoded(opened(text))
    adapters = Adapters(encoder.pretrained)
    adapters.reset(1)
    np.testing.assert_allclose(encoded(encoder), before, atol=1e-6)
    first = adapters.state()
    assert {one.shape[0] for name, one in first.items() if "lora_A" in name} == {RANK}
    assert all(bool(one.any()) == ("lora_A" in name) for name, one in first.items())
    torch.manual_seed(9)
    adapters.reset(2)
    assert any((one != first[name]).any() for name, one in adapters.state().items())
    adapters.reset(1)
    assert all((one == first[name]).all() for name, one in adapters.state().items())


def test_gradients_reach_the_adapters_and_only_them(text: str) -> None:
    encoder = opened(text)
    adapters = Adapters(encoder.pretrained)
    adapters.load(random_state(adapters))
    torch.cat(encoder.steps(TEXTS)).square().sum().backward()
    reached = [one for one in adapters.parameters if one.grad is not None and bool(one.grad.any())]
    assert len(reached) == len(adapters.parameters) == 2 * 6  # both parts of each, and six linear maps in a layer
    assert all("layer.1." in name for name in adapters.state())  # the upper one of two
    others = {id(one) for one in encoder.pretrained.module.parameters()} - {id(one) for one in adapters.parameters}
    assert all(one.grad is None for one in encoder.pretrained.module.parameters() if id(one) in others)


def test_adapters_that_are_kept_give_the_same_features_when_they_are_merged(text: str, tmp_path: Path) -> None:
    encoder = opened(text)
    adapters = Adapters(encoder.pretrained)
    adapters.load(random_state(adapters))
    expected = encoded(encoder)
    digest = write_adapters(tmp_path / "kept", adapters.state(), adapters.settings())
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    again = opened(text)
    plain = encoded(again)
    merge_adapters(again.pretrained, tmp_path / "kept", digest)
    np.testing.assert_allclose(encoded(again), expected, atol=1e-5)
    assert np.abs(expected - plain).max() > 0.1
    assert write_adapters(tmp_path / "kept", adapters.state(), adapters.settings()) == digest


def test_the_folder_is_one_that_peft_reads(text: str, tmp_path: Path) -> None:
    import transformers as hf
    from peft import PeftModel

    adapters = Adapters(opened(text).pretrained)
    adapters.load(random_state(adapters))
    write_adapters(tmp_path, adapters.state(), adapters.settings())
    read = PeftModel.from_pretrained(hf.AutoModel.from_pretrained(text), str(tmp_path))
    values = dict(read.named_parameters())
    for name, kept in load_file(tmp_path / "adapter_model.safetensors").items():
        assert torch.equal(values[name.replace(".weight", ".default.weight")], kept)


def test_other_adapters_are_refused_in_a_sentence(text: str, tmp_path: Path) -> None:
    encoder = opened(text)
    with pytest.raises(ValueError, match=r"holds no adapters, expected adapter_config.json and adapter_model.safet"):
        merge_adapters(encoder.pretrained, tmp_path, "0" * 64)
    adapters = Adapters(opened(text).pretrained)
    digest = write_adapters(tmp_path, adapters.state(), adapters.settings())
    with pytest.raises(ValueError, match=r"are others than those of training, expected the same files$"):
        merge_adapters(encoder.pretrained, tmp_path, "0" * 64)
    with pytest.raises(ValueError, match=r"^the adapters are of another encoder, expected those of this one$"):
        adapters.load({name: one[:1] for name, one in adapters.state().items()})
    settings = json.loads((tmp_path / "adapter_config.json").read_text()) | {"target_modules": ["no.such.layer"]}
    changed = write_adapters(tmp_path, adapters.state(), settings)
    assert changed != digest
    with pytest.raises(ValueError, match=r"^model '.*bert' has no linear layers that peft can adapt \("):
        merge_adapters(encoder.pretrained, tmp_path, changed)


def test_an_encoder_without_linear_layers_is_refused() -> None:
    class Table(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Embedding(3, 4)

    pretrained: Any = SimpleNamespace(module=Table(), what="model 'table'")
    with pytest.raises(ValueError, match=r"^model 'table' has no linear layers that peft can adapt \(") as caught:
        Adapters(pretrained)
    assert "\n" not in str(caught.value)


def test_without_peft_one_sentence_says_what_to_install(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters_file, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"peft must be there: pip install 'haemsa\[encoders\]'$"):
        Adapters(opened(text).pretrained)

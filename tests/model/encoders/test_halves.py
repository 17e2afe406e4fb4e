"""Encoders in two halves give what whole ones give, with and without adapters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf

from haemsa.model.encoders.adapters import Adapters
from haemsa.model.encoders.choice import Choice
from haemsa.model.encoders.halves import Halves, layers_of
from haemsa.model.encoders.opening import open_encoder
from haemsa.model.encoders.text import TextEncoder
from tests.support.model.tiny_encoders import SMALL, WORDS, tiny_text

TEXTS = ("the film was good", "not so good", "bad", "not so good")
SIZE = {**SMALL, "vocab_size": len(WORDS) + 5, "num_hidden_layers": 3, "max_position_embeddings": 40}


def opened(folder: Path, model: Any = None, layers: int = 1) -> TextEncoder:
    """The tiny BERT, or another model with its words."""
    tiny_text(folder)
    if model is not None:
        model.save_pretrained(folder)
    encoder = open_encoder(Choice("text", str(folder), layers=layers))
    assert isinstance(encoder, TextEncoder)
    return encoder


def check(encoder: TextEncoder, halves: Halves) -> None:
    with torch.no_grad():
        for texts in (TEXTS, TEXTS[2:], TEXTS[:1]):
            for found, whole in zip(halves.steps(texts), encoder.steps(texts), strict=True):
                torch.testing.assert_close(found, whole, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", ["bert", "mpnet", "roberta"])
def test_halves_give_what_the_whole_encoder_gives_while_adapters_change(tmp_path: Path, kind: str) -> None:
    torch.manual_seed(0)
    models: dict[str, Any] = {
        "mpnet": lambda: hf.MPNetModel(hf.MPNetConfig(**SIZE)),
        "roberta": lambda: hf.RobertaModel(hf.RobertaConfig(**SIZE)),
        "bert": lambda: None,
    }
    encoder = opened(tmp_path, models[kind]())
    adapters, halves = Adapters(encoder.pretrained), Halves(encoder)
    assert halves.divided
    check(encoder, halves)
    generator = torch.Generator().manual_seed(3)
    adapters.load({name: torch.randn(one.shape, generator=generator) / 4 for name, one in adapters.state().items()})
    check(encoder, halves)
    found = torch.autograd.grad(torch.cat(halves.steps(TEXTS)).square().sum(), adapters.parameters)
    whole = torch.autograd.grad(torch.cat(encoder.steps(TEXTS)).square().sum(), adapters.parameters)
    for one, other in zip(found, whole, strict=True):
        assert one.any()
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)


def test_lower_layers_run_once_for_each_text(tmp_path: Path) -> None:
    encoder = opened(tmp_path)
    halves, ran = Halves(encoder), list[int]()
    first = layers_of(encoder.pretrained.module)[1][0]
    first.register_forward_hook(lambda _, given, __: ran.append(len(given[0])))
    halves.steps(TEXTS)
    assert ran == [3]  # one text is there twice
    halves.steps(TEXTS[::-1])
    assert ran == [3]


def test_an_encoder_whose_layers_need_more_than_those_below_give_is_not_divided(tmp_path: Path) -> None:
    torch.manual_seed(0)
    settings = {**SIZE, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "conv_kernel_size": 3}
    encoder = opened(tmp_path, hf.DebertaV2Model(hf.DebertaV2Config(**settings)))  # its first layer has a convolution
    halves = Halves(encoder)
    assert not halves.divided
    check(encoder, halves)


def test_a_mean_of_more_layers_than_the_upper_half_has_is_not_divided(tmp_path: Path) -> None:
    encoder = opened(tmp_path, layers=2)
    halves = Halves(encoder)
    assert not halves.divided
    check(encoder, halves)

"""Encoders with random weights, against what transformers itself gives for the same input."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers as hf

from haemsa.model.data.clips.clip import Clip
from haemsa.model.encoders.choice import Choice
from haemsa.model.encoders.media import frames, sound
from haemsa.model.encoders.opening import open_encoder
from tests.support.model import tiny_encoders as tiny
from tests.support.model.made_clips import cut_off, turned, write_clip, write_pictures


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("encoders")


@pytest.fixture(scope="module")
def clip(folder: Path) -> Path:
    return write_clip(folder / "clip.mp4", 2)


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return str(tiny.tiny_text(folder / "bert"))


@pytest.fixture(scope="module")
def audio(folder: Path) -> str:
    return str(tiny.tiny_audio(folder / "wav2vec2"))


@pytest.fixture(scope="module")
def vision(folder: Path) -> str:
    return str(tiny.tiny_vision(folder / "vit"))


def test_tokens_are_steps_and_padding_changes_none(text: str) -> None:
    encoder = open_encoder(Choice("text", text))
    short, empty, long = encoder.encode([Clip("the film was good"), Clip("  "), Clip("it was not so very bad and i")])
    tokens = hf.AutoTokenizer.from_pretrained(text)("the film was good", return_tensors="pt")
    with torch.inference_mode():
        expected = hf.AutoModel.from_pretrained(text)(**tokens).last_hidden_state[0]
    np.testing.assert_allclose(short.features, expected, atol=1e-5)
    assert [len(made.features) for made in (short, empty, long)] == [6, 0, 10]
    assert encoder.width == 16


def test_a_long_transcript_is_cut_and_says_so(text: str) -> None:
    encoder = open_encoder(Choice("text", text, steps=5))
    short, long = encoder.encode([Clip("a film"), Clip("the film was good and it was so")])
    assert (len(short.features), short.cut) == (4, False)
    assert (len(long.features), long.cut) == (5, True)
    (longest,) = open_encoder(Choice("text", text, steps=500)).encode([Clip("good " * 60)])
    assert (len(longest.features), longest.cut) == (38, True)


def test_layers_are_averaged(text: str) -> None:
    (one,) = open_encoder(Choice("text", text)).encode([Clip("a good film")])
    (two,) = open_encoder(Choice("text", text, layers=2)).encode([Clip("a good film")])
    tokens = hf.AutoTokenizer.from_pretrained(text)("a good film", return_tensors="pt")
    with torch.inference_mode():
        states = hf.AutoModel.from_pretrained(text)(**tokens, output_hidden_states=True).hidden_states
    np.testing.assert_allclose(two.features, (states[-1] + states[-2])[0] / 2, atol=1e-5)
    assert np.abs(one.features - two.features).max() > 0.003
    with pytest.raises(ValueError, match=r"cannot encode text: layers is 3, but model '.*bert' has 2"):
        open_encoder(Choice("text", text, layers=3))


def test_frames_of_sound_are_averaged_to_the_rate(audio: str, clip: Path) -> None:
    (made,) = open_encoder(Choice("audio", audio, rate=2)).encode([Clip(media=clip, end=2.0)])
    extractor, model = hf.AutoFeatureExtractor.from_pretrained(audio), hf.AutoModel.from_pretrained(audio)
    inputs = extractor(sound(clip, 16000, 0, 2.0), sampling_rate=16000, return_tensors="pt")
    with torch.inference_mode():
        hidden = model(inputs["input_values"]).last_hidden_state[0].numpy()
    half = [place for place in range(len(hidden)) if (place + 0.5) * 2 / len(hidden) < 0.5]
    assert made.features.shape == (4, 16)
    np.testing.assert_allclose(made.features[0], hidden[half].mean(axis=0), atol=1e-5)


def test_sound_is_cut_to_the_most_steps_and_may_be_very_short(audio: str, clip: Path) -> None:
    encoder = open_encoder(Choice("audio", audio, rate=5, steps=3))
    whole, part, blink = encoder.encode(
        [Clip(media=clip), Clip(media=clip, start=0.5, end=1.1), Clip(media=clip, start=1, end=1.02)]
    )
    assert [(len(made.features), made.cut) for made in (whole, part, blink)] == [(3, True), (3, False), (1, False)]


def test_whispers_encoder_gives_steps_only_for_the_sound_and_not_for_its_padding(folder: Path, clip: Path) -> None:
    encoder = open_encoder(Choice("audio", str(tiny.tiny_whisper(folder / "whisper")), rate=2))
    (made,) = encoder.encode([Clip(media=clip, end=1.5)])
    assert made.features.shape == (3, 16)
    assert encoder.facts["kind"] == "whisper"


@pytest.mark.parametrize("name", ["vit", "clip"])
def test_pictures_are_steps(folder: Path, clip: Path, name: str) -> None:
    model = str(tiny.tiny_vision(folder / f"a-{name}", clip=name == "clip"))
    encoder = open_encoder(Choice("vision", model, rate=2))
    (made,) = encoder.encode([Clip(media=clip)])
    pictures = list(frames(clip, 2))
    images = hf.AutoImageProcessor.from_pretrained(model)(images=pictures, return_tensors="pt")
    with torch.inference_mode():
        expected = hf.AutoModel.from_pretrained(model)(images["pixel_values"]).last_hidden_state[:, 0]
    assert made.features.shape == (4, 16)
    np.testing.assert_allclose(made.features, expected, atol=1e-5)
    assert (encoder.facts["kind"], encoder.facts["pooling"]) == (name, "class token")
    (cut,) = open_encoder(Choice("vision", model, rate=2, steps=3)).encode([Clip(media=clip)])
    assert (len(cut.features), cut.cut) == (3, True)


def test_a_clip_that_was_filmed_upside_down_gives_the_features_of_the_clip_that_was_not(
    folder: Path, vision: str
) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, :32] = 255
    right = write_pictures(folder / "right.mkv", "ffv1", [picture], "bgr0")
    down = turned(write_pictures(folder / "down.mp4", "ffv1", [picture[::-1, ::-1]], "bgr0"), (-1, 0, 0, -1))
    seen, expected = open_encoder(Choice("vision", vision)).encode([Clip(media=down), Clip(media=right)])
    np.testing.assert_allclose(seen.features, expected.features, atol=1e-5)


def test_of_a_whole_clip_the_part_that_sees_is_used(folder: Path, clip: Path) -> None:
    encoder = open_encoder(Choice("vision", str(tiny.tiny_clip(folder / "whole-clip")), rate=1))
    assert encoder.encode([Clip(media=clip)])[0].features.shape == (2, 16)


def test_a_damaged_or_missing_file_is_an_absent_modality_with_its_problem(
    folder: Path, audio: str, vision: str
) -> None:
    cut, mute = cut_off(write_clip(folder / "cut.mp4", 1)), write_clip(folder / "mute.mp4", 1, tone=None)
    made = open_encoder(Choice("audio", audio)).encode([Clip(), Clip(media=cut), Clip(media=mute)])
    assert [len(one.features) for one in made] == [0, 0, 0]
    assert [one.problem[:13] for one in made] == ["", "it is damaged", "it has no sou"]
    (seen,) = open_encoder(Choice("vision", vision)).encode([Clip(media=cut)])
    assert seen.problem.startswith("it is damaged")


def test_what_made_a_stream_is_recorded(text: str) -> None:
    facts = open_encoder(Choice("text", text, layers=2, steps=30)).facts
    assert {"model": text, "kind": "bert", "encodes": "text", "layers": 2, "steps": 30}.items() <= facts.items()
    assert len(facts["weights"]) == len(facts["settings"]) == 64
    assert facts["versions"]["torch"] == torch.__version__


def test_a_model_of_the_hub_comes_from_its_cache(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = folder / "cache" / "models--some--bert"
    shutil.copytree(text, cached / "snapshots" / ("a" * 40))
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("a" * 40)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder / "cache"))
    facts = open_encoder(Choice("text", "some/bert")).facts
    assert {"model": "some/bert", "revision": "a" * 40, "kind": "bert"}.items() <= facts.items()
    assert facts["weights"] == open_encoder(Choice("text", text)).facts["weights"]

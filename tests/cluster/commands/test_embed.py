"""`haemsa data embed`: what a user sees, and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from haemsa.model.data.sources import load
from tests.support.cluster.haemsa_command import haemsa
from tests.support.model.clip_data import ClipData, clip_data
from tests.support.model.made_clips import write_clip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ClipData:
    return clip_data(tmp_path_factory.mktemp("clips"))


def test_a_user_sees_the_streams_and_the_clips_that_lack_them(data: ClipData, tmp_path: Path) -> None:
    out = tmp_path / "new" / "clips.h5"
    ran = haemsa("data", "embed", data.table, "--out", out, *data.options, "--json", tmp_path / "found.json")
    assert ran.status == 0, ran.err
    assert "vision_vit, 3 of 3: 12/12" in ran.err
    assert "note: audio_wav2vec2: clips that do not give it (2): c3 (it has no sound), c5" in ran.out
    assert f"encoder: text_bert is the last layer of {data.text}" in ran.out
    assert f"written to {out}" in ran.out
    found = json.loads((tmp_path / "found.json").read_text())
    assert {name: stream["features"] for name, stream in found["modalities"].items()} == dict.fromkeys(
        ("text_bert", "audio_wav2vec2", "vision_vit"), 16
    )


def test_options_say_how_and_models_can_have_names(data: ClipData, tmp_path: Path) -> None:
    options = ("--text", f"one={data.text}", "--text", data.text, "--vision", data.vision, "--steps", 3)
    ran = haemsa("data", "embed", data.table, "--out", tmp_path / "a.h5", *options, "--vision-rate", 4, "--layers", 2)
    assert ran.status == 0, ran.err
    found = load(str(tmp_path / "a.h5"))
    assert {name: stream.steps for name, stream in found.modalities.items()} == {
        "text_one": 3,
        "text_bert": 3,
        "vision_vit": 3,
    }
    assert found.encoders["vision_vit"]["rate"] == 4
    assert found.encoders["vision_vit"]["layers"] == 2


def refused(sentence: str, data: ClipData, folder: Path, *options: object, source: object = None) -> None:
    ran = haemsa("data", "embed", source or data.table, "--out", folder / "clips.h5", *options)
    assert (ran.status, ran.out) == (2, "")
    assert sentence in ran.err
    assert ran.err.count("\n") == 1, ran.err
    assert not (folder / "clips.h5").exists()


def test_bad_input_is_one_sentence(data: ClipData, tmp_path: Path) -> None:
    refused("no encoder is given, expected --text, --audio or --vision", data, tmp_path)
    refused("encodes text, expected an encoder of audio", data, tmp_path, "--audio", data.text)
    refused("has no config.json", data, tmp_path, "--text", tmp_path)
    refused("is no folder here, and the hub cannot be reached", data, tmp_path, "--text", "some/model")
    twice = ("--text", data.text, "--text", data.text)
    refused("two streams are called 'text_bert', expected a name for one of them: --text NAME=", data, tmp_path, *twice)
    refused("layers is 9, but model", data, tmp_path, "--text", data.text, "--layers", 9)
    refused("does not exist, expected a .yaml file", data, tmp_path, "--text", data.text, source=tmp_path / "no")
    ran = haemsa("data", "embed", data.table, "--out", tmp_path / "clips.txt", *data.options)
    assert (ran.status, ran.err) == (
        2,
        f"haemsa: --out is '{tmp_path}/clips.txt', expected a file that ends in .h5 or .hdf5\n",
    )


def table(folder: Path, rows: list[str]) -> Path:
    (folder / "t.csv").write_text("\n".join(["words,file,mood,fold", *rows]) + "\n")
    lines = (
        "source: t.csv\ntranscript: words\nmedia: file\nsplit: fold\ntasks: {mood: {from: mood, kind: regression}}\n"
    )
    (folder / "t.yaml").write_text(lines)
    return folder / "t.yaml"


def test_a_source_that_lacks_what_an_encoder_needs_is_refused(data: ClipData, tmp_path: Path) -> None:
    folds = ("train", "train", "valid", "test")
    empty = table(tmp_path, [f",,{place},{fold}" for place, fold in enumerate(folds)])
    refused(
        "has no transcript that is not empty, which --text needs", data, tmp_path, "--text", data.text, source=empty
    )
    refused("names no media files, which --audio needs", data, tmp_path, "--audio", data.audio, source=empty)
    write_clip(tmp_path / "mute.mp4", 0.5, tone=None)
    mute = table(tmp_path, [f",mute.mp4,{place},{fold}" for place, fold in enumerate(folds)])
    ran = haemsa("data", "embed", mute, "--out", tmp_path / "clips.h5", "--audio", data.audio)
    assert ran.status == 2
    assert "no clip has anything for audio_wav2vec2; the first: 1 (it has no sound)" in ran.err

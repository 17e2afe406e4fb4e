"""Clips become a store: the right features, everything recorded, and nothing encoded twice."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from haemsa.cluster.embedding.embed import embed_data
from haemsa.cluster.embedding.work import Chosen, EncodingWork, Portion
from haemsa.cluster.shared.kept import Kept
from haemsa.model.data.clips.clip import Clip
from haemsa.model.data.clips.sources import read_clips
from haemsa.model.encoders.choice import Choice
from haemsa.model.encoders.opening import open_encoder
from tests.support.model.clip_data import COUNT, CUT, MUTE, ClipData, clip_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ClipData:
    return clip_data(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def store(data: ClipData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("store") / "clips.h5"
    embed_data(str(data.table), out, data.choices)
    return out


def test_streams_hold_what_the_encoders_give(data: ClipData, tmp_path: Path) -> None:
    found = embed_data(str(data.table), tmp_path / "clips.h5", data.choices, half=False)
    assert list(found.modalities) == ["text_bert", "audio_wav2vec2", "vision_vit"]
    assert found.ids[:2] == ("c0", "c1")
    clips = read_clips(str(data.table)).clips
    for choice, (name, modality) in zip(data.choices, found.modalities.items(), strict=True):
        encoder = open_encoder(choice)
        for sample in (0, 7):
            (expected,) = encoder.encode([clips[sample]])
            steps = modality.lengths[sample]
            assert steps == len(expected.features) > 0
            np.testing.assert_allclose(modality.features[sample][:steps], expected.features, atol=1e-5, err_msg=name)
    assert list(tmp_path.iterdir()) == [tmp_path / "clips.h5"]


def test_a_clip_that_cannot_be_read_lacks_its_modality_and_is_named(data: ClipData, tmp_path: Path) -> None:
    found = embed_data(str(data.table), tmp_path / "clips.h5", data.choices)
    absent = {name: np.flatnonzero(~modality.presence).tolist() for name, modality in found.modalities.items()}
    assert absent == {"text_bert": [], "audio_wav2vec2": [MUTE, CUT], "vision_vit": [CUT]}
    expected = "(2): c3 (it has no sound), c5 (it is damaged, or no clip)"
    assert f"audio_wav2vec2: clips that do not give it {expected}" in found.notes


def test_the_store_records_what_made_each_stream(data: ClipData, tmp_path: Path) -> None:
    choice = Choice("text", data.text, name="tiny", layers=2, steps=4)
    found = embed_data(str(data.table), tmp_path / "clips.h5", [choice])
    columns = {"transcript": "text", "ids": "id"}
    assert found.encoders == {"text_tiny": {**open_encoder(choice).facts, "half": True, "columns": columns}}
    assert found.modalities["text_tiny"].steps == 4
    assert found.transcripts == tuple(clip.text for clip in read_clips(str(data.table)).clips)
    assert not embed_data(str(data.table), tmp_path / "seen.h5", data.choices[2:]).transcripts
    assert "text_tiny: clips cut to 4 steps: 12" in found.notes


class Counting(EncodingWork):
    """Counts the clips that are encoded, and stops after some portions."""

    encoded: list[Any] = []  # noqa: RUF012
    most = 10**6

    def __call__(self, portion: Portion) -> Any:
        if len(self.encoded) >= self.most:
            raise KeyboardInterrupt
        self.encoded.append(portion)
        return super().__call__(portion)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> type[Counting]:
    monkeypatch.setattr(Counting, "encoded", [])
    monkeypatch.setattr("haemsa.cluster.embedding.embed.EncodingWork", Counting)
    return Counting


def test_what_is_cut_off_goes_on_and_gives_the_same_store(
    data: ClipData, store: Path, tmp_path: Path, counting: type[Counting], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "clips.h5"
    monkeypatch.setattr(counting, "most", 9)
    with pytest.raises(KeyboardInterrupt):
        embed_data(str(data.table), out, data.choices)
    assert not out.exists()
    monkeypatch.setattr(counting, "most", 10**6)
    embed_data(str(data.table), out, data.choices)
    assert out.read_bytes() == store.read_bytes()
    assert len(counting.encoded) == len(set(counting.encoded)) == 1 + 2 * COUNT


def test_what_was_kept_is_not_used_for_another_encoder(
    data: ClipData, tmp_path: Path, counting: type[Counting], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "clips.h5"
    for most, layers in ((1, 1), (10**6, 2)):
        monkeypatch.setattr(counting, "most", most)
        choices = [Choice("text", data.text, layers=layers), *data.choices[1:]]
        try:
            embed_data(str(data.table), out, choices)
        except KeyboardInterrupt:
            assert most == 1
    assert len(counting.encoded) == 1 + 1 + 2 * COUNT


@pytest.mark.slow
def test_a_process_that_is_killed_loses_nothing(data: ClipData, tmp_path: Path, counting: type[Counting]) -> None:
    out, uncut, choices = tmp_path / "clips.h5", tmp_path / "uncut.h5", [Choice("audio", data.audio)]
    options = ["--audio", data.audio, "--out", str(out)]
    with subprocess.Popen([sys.executable, "-m", "haemsa", "data", "embed", str(data.table), *options]) as process:
        while len(_parts(out)) < COUNT // 2 and process.poll() is None:
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
    done = _parts(out)
    assert done, "the process ended before it could be killed"
    embed_data(str(data.table), out, choices)
    assert len(counting.encoded) == COUNT - len(done)
    embed_data(str(data.table), uncut, choices)
    assert out.read_bytes() == uncut.read_bytes()


def _parts(out: Path) -> Sequence[Path]:
    return sorted(out.with_name(f"{out.name}.parts").glob("*.npz"))


def test_a_full_disk_is_one_sentence_and_keeps_what_was_encoded(
    data: ClipData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Kept.write

    def full(kept: Kept, name: str, *rest: Any) -> None:
        if name.startswith("vision"):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(kept, name, *rest)

    monkeypatch.setattr(Kept, "write", full)
    with pytest.raises(
        OSError, match=r"^the disk of .* has no room for clips.h5: what was encoded is kept, and the same"
    ):
        embed_data(str(data.table), tmp_path / "clips.h5", data.choices)
    assert len(_parts(tmp_path / "clips.h5")) == 1 + COUNT


def test_a_worker_with_other_weights_is_refused(data: ClipData) -> None:
    work = EncodingWork({"text_bert": Chosen(Choice("text", data.text), "0" * 64)})
    with pytest.raises(ValueError, match=r"^model '.*bert' has other weights on .* than here, expected the same$"):
        work(Portion("text_bert", (Clip("a film"),)))


def test_numbers_that_16_bits_cannot_hold_are_refused(
    data: ClipData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Large(EncodingWork):
        def __call__(self, portion: Portion) -> Any:
            made = dict(super().__call__(portion))
            return made | {"features": made["features"] * 1e6}

    monkeypatch.setattr("haemsa.cluster.embedding.embed.EncodingWork", Large)
    expected = r"^modality 'text_bert' has a feature of .*, more than float16 can hold, expected --float32 for such"
    with pytest.raises(ValueError, match=expected):
        embed_data(str(data.table), tmp_path / "clips.h5", data.choices[:1])
    embed_data(str(data.table), tmp_path / "clips.h5", data.choices[:1], half=False)

"""Decoding clips that were made: a tone of 440 Hz, and frames that grow brighter by 12.5 each tenth of a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from haemsa.model.encoders.decoding import UnreadableClipError
from haemsa.model.encoders.media import frames, sound
from tests.support.model.made_clips import cut_off, write_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("media") / "clip.mp4", seconds=2)


def pitch(samples: np.ndarray, rate: int) -> float:
    """The loudest frequency."""
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))


@pytest.mark.parametrize("rate", [16000, 24000, 8000])
def test_sound_has_its_pitch_and_length_at_any_rate(clip: Path, rate: int) -> None:
    samples = sound(clip, rate)
    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(2 * rate, abs=0.07 * rate)
    assert pitch(samples, rate) == pytest.approx(440, abs=1)
    assert 0.25 < np.abs(samples).max() < 0.35


def test_sound_between_two_seconds_is_that_part_of_the_whole(clip: Path) -> None:
    whole, part = sound(clip, 16000), sound(clip, 16000, 0.9, 1.4)
    assert len(part) == 8000
    np.testing.assert_allclose(part, whole[14400:22400], atol=1e-3)


def brightness(clip: Path, rate: float, *span: float) -> list[float]:
    return [float(picture.mean()) for picture in frames(clip, rate, *span)]


def test_frames_are_those_that_are_shown_at_the_asked_times(clip: Path) -> None:
    assert brightness(clip, 2) == pytest.approx([0, 62, 125, 187], abs=3)
    assert brightness(clip, 2, 0.75) == pytest.approx([87, 150, 212], abs=3)
    assert brightness(clip, 4, 1.0, 1.5) == pytest.approx([125, 150], abs=3)
    assert len(brightness(clip, 25)) == 50
    assert next(frames(clip, 1)).shape == (48, 64, 3)


def test_the_shortest_part_has_a_frame(clip: Path) -> None:
    assert brightness(clip, 1, 1.0, 1.01) == pytest.approx([125], abs=3)


def test_a_clip_without_sound_or_pictures_says_so(tmp_path: Path) -> None:
    mute = write_clip(tmp_path / "mute.mp4", 0.5, tone=None)
    with pytest.raises(UnreadableClipError, match=r"^it has no sound$"):
        sound(mute, 16000)
    dark = write_clip(tmp_path / "dark.mp4", 0.5, pictures=False)
    with pytest.raises(UnreadableClipError, match=r"^it has no pictures$"):
        list(frames(dark, 1))


def test_a_silent_clip_and_a_part_after_the_end_say_so(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(UnreadableClipError, match=r"^it is silent$"):
        sound(write_clip(tmp_path / "silent.mp4", 0.5, loud=0.0), 16000)
    with pytest.raises(UnreadableClipError, match=r"^it has no sound between the seconds 5 and 6"):
        sound(clip, 16000, 5, 6)
    with pytest.raises(UnreadableClipError, match=r"^it has no pictures from second 5 on"):
        list(frames(clip, 1, 5))


@pytest.mark.parametrize(
    ("name", "options"), [("cut.mp4", {}), ("cut.mp4", {"movflags": "faststart"}), ("cut.mkv", {})]
)
def test_a_truncated_clip_is_damaged(tmp_path: Path, name: str, options: dict[str, str]) -> None:
    whole = write_clip(tmp_path / name, 4, options=options)
    assert len(sound(whole, 16000)) == pytest.approx(64000, abs=1600)
    clip = cut_off(whole)
    for read in (lambda: sound(clip, 16000), lambda: list(frames(clip, 5))):
        with pytest.raises(UnreadableClipError, match="it is damaged"):
            read()


def test_a_list_of_other_files_is_not_followed(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.ts", 0.5)
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.5,\n{clip}\n#EXT-X-ENDLIST\n")
    with pytest.raises(UnreadableClipError, match="damaged, or no clip"):
        sound(playlist, 16000)
    assert len(sound(clip, 16000)) > 4000

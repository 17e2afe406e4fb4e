"""Files as phones, recorders and collections have them: turned, late, with gaps, in many formats and rates."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from haemsa.model.encoders import decoding
from haemsa.model.encoders.decoding import UnreadableClipError
from haemsa.model.encoders.media import frames, sound
from tests.support.model.made_clips import RATE, turned, write_clip, write_pictures, write_sound

TOP_LEFT = np.zeros((48, 64, 3), np.uint8)
TOP_LEFT[:24, :32] = 255


@pytest.mark.parametrize(
    ("matrix", "shape", "bright"),
    [
        ((1, 0, 0, 1), (48, 64), "top left"),
        ((0, 1, -1, 0), (64, 48), "top right"),
        ((-1, 0, 0, -1), (48, 64), "bottom right"),
        ((0, -1, 1, 0), (64, 48), "bottom left"),
        ((-1, 0, 0, 1), (48, 64), "top right"),
        ((0, 1, 1, 0), (64, 48), "top left"),
    ],
    ids=["as stored", "quarter", "half", "three quarters", "mirrored", "mirrored quarter"],
)
def test_pictures_are_upright(tmp_path: Path, matrix: tuple[int, ...], shape: tuple[int, int], bright: str) -> None:
    clip = turned(write_pictures(tmp_path / "a.mp4", "mpeg4", [TOP_LEFT] * 3), matrix)
    (picture,) = frames(clip, 1)
    assert picture.shape == (*shape, 3)
    height, width = shape[0] // 2, shape[1] // 2
    quarters = {
        "top left": picture[:height, :width],
        "top right": picture[:height, width:],
        "bottom left": picture[height:, :width],
        "bottom right": picture[height:, width:],
    }
    assert {place: round(float(part.mean()), -2) for place, part in quarters.items()} == {
        place: 200 + 100 * (place == bright) - 200 * (place != bright) for place in quarters
    }


def test_grey_pictures_and_odd_sizes(tmp_path: Path) -> None:
    picture = np.full((47, 63, 3), 90, np.uint8)
    (found,) = frames(write_pictures(tmp_path / "a.mkv", "ffv1", [picture], "gray"), 1)
    assert found.shape == (47, 63, 3)
    assert found.mean() == pytest.approx(90, abs=2)


def grey(*shades: int) -> list[np.ndarray]:
    return [np.full((48, 64, 3), shade, np.uint8) for shade in shades]


def brightness(clip: Path, rate: float, *span: float) -> list[int]:
    return [round(picture.mean() / 10) * 10 for picture in frames(clip, rate, *span)]


def test_pictures_can_be_shown_for_different_times(tmp_path: Path) -> None:
    clip = write_pictures(tmp_path / "a.mkv", "mpeg4", grey(0, 50, 100, 150, 200), ticks=(0, 1, 2, 16, 19))
    assert brightness(clip, 2) == [0, 100, 100, 100]
    assert brightness(clip, 5, 1.5) == [100, 150, 200]


def test_the_last_picture_can_be_shown_for_long(tmp_path: Path) -> None:
    clip = write_pictures(tmp_path / "slides.mp4", "mpeg4", grey(0, 100, 200), fps=1)
    assert brightness(clip, 2) == [0, 0, 100, 100, 200, 200]


def test_sound_keeps_its_place_where_the_file_has_none(tmp_path: Path) -> None:
    late = sound(write_clip(tmp_path / "late.mp4", 2, hole=(0, 0.9)), RATE)
    gap = sound(write_clip(tmp_path / "gap.mkv", 2, hole=(0.5, 1.3)), RATE)
    for samples, begins, ends in ((late, 0.0, 0.9), (gap, 0.5, 1.3)):
        assert len(samples) == pytest.approx(2 * RATE, abs=0.1 * RATE)
        heard = [np.abs(samples[round((end - 0.2) * RATE) : round(end * RATE)]).max() > 0.1 for end in (0.4, ends, 1.8)]
        assert heard == [begins > 0, False, True]
    part = sound(tmp_path / "late.mp4", RATE, 0.7, 1.2)
    np.testing.assert_allclose(part, late[round(0.7 * RATE) : round(1.2 * RATE)], atol=1e-3)


def rising(rate: int) -> np.ndarray:
    """Three seconds of a tone that rises, so that each part of it is unlike the others."""
    seconds = np.arange(3 * rate) / rate
    return 0.3 * np.sin(2 * np.pi * (200 + 40 * seconds) * seconds)


def shift(part: np.ndarray, whole: np.ndarray, place: int) -> int:
    """By how many samples a part of the whole is away from its place."""
    alike = [(part * whole[place + by : place + by + len(part)]).sum() for by in range(-100, 101)]
    return abs(int(np.argmax(alike)) - 100)


@pytest.mark.parametrize(
    ("name", "codec", "rate", "layout"),
    [
        ("a.wav", "pcm_s16le", 8000, "mono"),
        ("a.wav", "pcm_s32le", 16000, "mono"),
        ("a.mp3", "libmp3lame", 44100, "stereo"),
        ("a.flac", "flac", 48000, "5.1"),
        ("a.m4a", "aac", 48000, "5.1"),
        ("a.ogg", "libopus", 48000, "stereo"),
        ("a.webm", "libopus", 48000, "mono"),
        ("a.mkv", "flac", 22050, "stereo"),
    ],
)
def test_sound_of_any_format_rate_and_channels(tmp_path: Path, name: str, codec: str, rate: int, layout: str) -> None:
    file = write_sound(tmp_path / name, codec, rate, layout, rising(rate))
    expected, whole, part = rising(RATE), sound(file, RATE), sound(file, RATE, 1.5, 2.5)
    assert len(whole) == pytest.approx(3 * RATE, abs=0.1 * RATE)
    assert np.abs(whole).max() <= 1
    assert shift(whole[RATE : 2 * RATE], expected, RATE) == 0
    assert shift(part, expected, round(1.5 * RATE)) <= 16  # a millisecond, to which .mkv and .webm round
    with pytest.raises(UnreadableClipError, match=r"^it has no pictures$"):
        list(frames(file, 1))


def test_channels_can_change_within_a_file(tmp_path: Path) -> None:
    wave = 0.3 * np.sin(np.arange(48000) / 20)
    first, second = (write_sound(tmp_path / f"{layout}.ts", "ac3", 48000, layout, wave) for layout in ("stereo", "5.1"))
    (tmp_path / "both.ts").write_bytes(first.read_bytes() + second.read_bytes())
    assert len(sound(tmp_path / "both.ts", RATE)) == pytest.approx(2 * RATE, abs=0.1 * RATE)


def test_the_cover_of_a_song_is_no_video(tmp_path: Path) -> None:
    song = write_sound(tmp_path / "a.mp3", "libmp3lame", 44100, "stereo", 0.3 * np.sin(np.arange(44100) / 20))
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 64, 48, "rgb24", 1
    image = b"".join(map(bytes, encoder.encode(av.VideoFrame.from_ndarray(TOP_LEFT, format="rgb24"))))
    content = b"\0image/png\0\x03\0" + image
    tag = b"APIC" + struct.pack(">I", len(content)) + b"\0\0" + content
    size = bytes(len(tag) >> shift & 127 for shift in (21, 14, 7, 0))
    song.write_bytes(b"ID3\x03\0\0" + size + tag + song.read_bytes())
    assert len(av.open(str(song)).streams.video) == 1
    with pytest.raises(UnreadableClipError, match=r"^it has no pictures$"):
        list(frames(song, 1))
    assert len(sound(song, RATE)) == pytest.approx(RATE, abs=0.1 * RATE)


def test_a_long_file_is_entered_near_the_start(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "long.mp4", 40)
    assert len(list(decoding.decoded(clip, "video", 30.0, 31.0))) < 3 * 12
    assert len(list(decoding.decoded(clip, "audio", 30.0, 31.0))) < 2 * 16


def test_a_file_that_cannot_be_entered_is_decoded_from_its_beginning(tmp_path: Path) -> None:
    clip = write_pictures(tmp_path / "one-key-frame.ts", "libx264", grey(*range(0, 240, 10)))
    assert brightness(clip, 2, 1.0) == [100, 150, 200]

"""Clips that tests make: a tone and frames that grow brighter."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE = 16000
FPS = 10


def write_clip(
    path: Path,
    seconds: float = 2.0,
    *,
    tone: float | None = 440.0,
    pictures: bool = True,
    loud: float = 0.3,
    hole: tuple[float, float] = (0.0, 0.0),
    options: dict[str, str] | None = None,
) -> Path:
    """A clip of `seconds`: a tone of so many hertz (None: without sound), and frames from black to nearly white.

    The file holds no sound between the seconds of `hole`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=options or {}) as container:
        video = container.add_stream("mpeg4", rate=FPS, width=64, height=48, pix_fmt="yuv420p") if pictures else None
        audio = None if tone is None else container.add_stream("aac", rate=RATE, layout="mono")
        if video is not None:
            for number in range(count := round(seconds * FPS)):
                picture = np.full((48, 64, 3), 250 * number // count, np.uint8)
                container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(video.encode(None))
        if audio is not None and tone is not None:
            for frame in _frames(loud * np.sin(2 * np.pi * tone * np.arange(round(seconds * RATE)) / RATE)):
                if not hole[0] <= float(frame.time) < hole[1]:
                    container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


def write_sound(path: Path, codec: str, rate: int, layout: str, wave: np.ndarray) -> Path:
    """A file with a sound, which the encoder mixes into the channels of a layout."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        for frame in _frames(wave, rate):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_pictures(
    path: Path,
    codec: str,
    pictures: Sequence[np.ndarray],
    form: str = "yuv420p",
    fps: int = FPS,
    ticks: Sequence[int] | None = None,
) -> Path:
    """A file with pictures [height, width, 3], and no sound. Each is shown from its tick on, `fps` a second."""
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, width=width, height=height, pix_fmt=form)
        for tick, picture in zip(ticks or range(len(pictures)), pictures, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = tick, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turned(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Let an .mp4 file say how its pictures are shown: a pixel at (x, y) is shown at (a x + c y, b x + d y)."""
    a, b, c, d = (number * 2**16 for number in matrix)
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 44
    content[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 2**30)
    path.write_bytes(content)
    return path


def _frames(wave: np.ndarray, rate: int = RATE) -> Iterator[av.AudioFrame]:
    """Sound in one channel."""
    for start in range(0, len(wave), 1024):
        block = wave[None, start : start + 1024].astype(np.float32)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        yield frame


def cut_off(path: Path, share: float = 0.5) -> Path:
    """Keep only the first part of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    return path

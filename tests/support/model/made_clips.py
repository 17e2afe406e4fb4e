"""Clips that tests make: a tone and frames that grow brighter."""

from __future__ import annotations

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
    options: dict[str, str] | None = None,
) -> Path:
    """A clip of `seconds`: a tone of so many hertz (None: without sound), and frames from black to nearly white."""
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
            for frame in _frames(seconds, tone, loud):
                container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


def _frames(seconds: float, tone: float, loud: float) -> list[av.AudioFrame]:
    wave = loud * np.sin(2 * np.pi * tone * np.arange(round(seconds * RATE)) / RATE)
    made = []
    for start in range(0, len(wave), 1024):
        block = wave[None, start : start + 1024].astype(np.float32)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        made.append(frame)
    return made


def cut_off(path: Path, share: float = 0.5) -> Path:
    """Keep only the first part of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    return path

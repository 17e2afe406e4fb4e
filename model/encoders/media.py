"""The sound and the pictures of a clip."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.encoders.decoding import UnreadableClipError, decoded, errors

_SILENT: Final = 2.0**-15
"""Sound below the smallest step of 16 bits is silence."""
_GAP: Final = 0.1
"""Seconds of sound that may be missing in the middle. Where more is missing, there is silence."""
_SLACK: Final = 1e-6
"""Seconds by which times are rounded."""


def sound(media: Path | bytes, rate: int, start: float = 0.0, end: float = math.inf) -> NDArray[np.float32]:
    """The sound of a clip, all channels mixed into one. There is silence where the file has pictures but no sound.

    Args:
        media: The file, or its content.
        rate: How many numbers a second has. The sound is resampled to it.
        start: The second of the file at which it begins.
        end: The second of the file at which it ends.

    Returns:
        float32 [n], each number from -1 to 1.

    Raises:
        UnreadableClipError: There is no sound, or the file is damaged.
    """
    mono, begins = _Mono(rate), start
    with errors():
        for played in decoded(media, "audio", start, end):
            begins = begins if mono.seconds else min(start, played.begins)
            missing = played.begins - begins - mono.seconds
            if missing > (_GAP if mono.seconds else 0):
                mono.rest(missing)
            mono.add(played.frame)
        samples, first = mono.samples(), round((start - begins) * rate)
    samples = samples[first:] if math.isinf(end) else samples[first : first + round((end - start) * rate)]
    if not len(samples):
        raise UnreadableClipError(f"it has no sound{_between(start, end)}")
    if np.abs(samples).max() < _SILENT:
        raise UnreadableClipError(f"it is silent{_between(start, end)}")
    return np.ascontiguousarray(samples)


class _Mono:
    """Sound of one channel at a rate, made of frames that can have any channels and rates.

    Attributes:
        seconds: How much there is.
    """

    def __init__(self, rate: int) -> None:
        self.seconds = 0.0
        self._rate, self._pieces = rate, list[NDArray[np.float32]]()
        self._format: tuple[str, str, int] | None = None
        self._resampler: Any = None

    def rest(self, seconds: float) -> None:
        """Add silence."""
        self._pieces.append(np.zeros(round(seconds * self._rate), np.float32))
        self.seconds += seconds

    def add(self, frame: Any) -> None:
        """Add a frame."""
        import av

        found = (frame.format.name, frame.layout.name, frame.sample_rate)
        if found != self._format:
            self._resample(None)
            # whole numbers: only for these does ffmpeg keep a mix of channels between -1 and 1
            self._format, self._resampler = found, av.AudioResampler(format="s32", layout="mono", rate=self._rate)
        self.seconds += frame.samples / frame.sample_rate
        frame.pts = None  # gaps are filled by `rest`
        self._resample(frame)

    def samples(self) -> NDArray[np.float32]:
        """All that was added, float32 [n]."""
        self._resample(None)
        return np.concatenate([np.zeros(0, np.float32), *self._pieces])

    def _resample(self, frame: Any) -> None:
        """Add what becomes of a frame. None: add what is left in the resampler, at its end."""
        for piece in self._resampler.resample(frame) if self._resampler else ():
            if piece is not None:  # where there is nothing to do, a resampler gives back what it gets
                self._pieces.append(piece.to_ndarray()[0].astype(np.float32) / 2**31)


def frames(media: Path | bytes, rate: float, start: float = 0.0, end: float = math.inf) -> Iterator[NDArray[np.uint8]]:
    """The pictures of a clip: those that are shown at the start, and then each 1 / rate seconds.

    Args:
        media: The file, or its content.
        rate: How many pictures of a second are taken.
        start: The second of the file at which it begins.
        end: The second of the file at which it ends.

    Yields:
        uint8 [height, width, 3], red, green and blue, upright. The file is decoded while pictures are taken.

    Raises:
        UnreadableClipError: There is no picture, or the file is damaged.
    """
    shown, count = None, 0
    with errors():
        for played in decoded(media, "video", start, end):
            while shown is not None and start + count / rate < played.begins - _SLACK:
                yield _upright(shown.frame)
                count += 1
            shown = played
        while shown is not None and start + count / rate < min(shown.ends, end) - _SLACK:
            yield _upright(shown.frame)
            count += 1
    if not count:
        raise UnreadableClipError(f"it has no pictures{_between(start, end)}")


def _upright(frame: Any) -> NDArray[np.uint8]:
    """A picture as it is shown: phones store it as their sensor saw it, with a matrix that turns or mirrors it."""
    picture: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
    stored = frame.side_data.get("DISPLAYMATRIX")
    if stored is None:
        return picture
    right, down, _, right_of_row, down_of_row = np.frombuffer(bytes(stored), np.int32)[:5]
    if abs(down) > abs(right):  # what was a row is shown as a column
        picture, right, down_of_row = picture.swapaxes(0, 1), right_of_row, down
    return np.ascontiguousarray(picture[:: -1 if down_of_row < 0 else 1, :: -1 if right < 0 else 1])


def _between(start: float, end: float) -> str:
    if not start and math.isinf(end):
        return ""
    return f" from second {start:g} on" if math.isinf(end) else f" between the seconds {start:g} and {end:g}"

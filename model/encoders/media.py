"""The sound and the pictures of a clip, decoded by PyAV."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

_MP4: Final = "mov,mp4,m4a,3gp,3g2,mj2"
_FORMATS: Final = f"{_MP4},matroska,webm,avi,wav,w64,mp3,flac,ogg,aac,ac3,aiff,au,asf,flv,mpeg,mpegts,amr,caf,mxf"
"""The containers that are read. Lists of other files, which ffmpeg would open too, are not among them."""
_EARLIER: Final = 0.5
"""Seconds before a start from which sound is decoded, because a decoder needs some of what comes before."""
_SILENT: Final = 2.0**-15
"""Sound below the smallest step of 16 bits is silence."""
_SHOWN: Final = 0.04
"""Seconds for which a picture is shown, if the file does not say it."""
_LOST: Final = 0.5
"""Seconds that a whole .mp4 file can lack at its end. Other files do not say exactly how long they are."""
_SLACK: Final = 1e-6
"""Seconds by which times are rounded."""


class UnreadableClipError(ValueError):
    """A clip has no such stream, is silent, or is damaged. The message says which."""


def sound(media: Path | bytes, rate: int, start: float = 0.0, end: float = math.inf) -> NDArray[np.float32]:
    """The sound of a clip, all channels mixed into one.

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
    import av

    begins, pieces = 0.0, list[NDArray[np.float32]]()
    with _errors():
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        for time, frame in _decoded(media, "audio", start, end):
            begins = time if not pieces else begins
            frame.pts = None  # a gap in time is closed
            pieces += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
        pieces += [piece.to_ndarray()[0] for piece in resampler.resample(None)] if pieces else []
    samples = np.concatenate([np.zeros(0, np.float32), *pieces])
    first = max(0, round((start - begins) * rate))
    samples = samples[first:] if math.isinf(end) else samples[first : first + round((end - max(start, begins)) * rate)]
    if not len(samples):
        raise UnreadableClipError(f"it has no sound{_between(start, end)}")
    if np.abs(samples).max() < _SILENT:
        raise UnreadableClipError(f"it is silent{_between(start, end)}")
    return np.ascontiguousarray(samples)


def frames(media: Path | bytes, rate: float, start: float = 0.0, end: float = math.inf) -> Iterator[NDArray[np.uint8]]:
    """The pictures of a clip: those that are shown at the start, and then each 1 / rate seconds.

    Args:
        media: The file, or its content.
        rate: How many pictures of a second are taken.
        start: The second of the file at which it begins.
        end: The second of the file at which it ends.

    Yields:
        uint8 [height, width, 3], red, green and blue. The file is decoded while pictures are taken.

    Raises:
        UnreadableClipError: There is no picture, or the file is damaged.
    """
    shown, until, count = None, start, 0
    with _errors():
        for time, frame in _decoded(media, "video", start, end):
            while shown is not None and start + count / rate < time - _SLACK:
                yield shown.to_ndarray(format="rgb24")
                count += 1
            shown, until = frame, time + (float((frame.duration or 0) * (frame.time_base or 0)) or _SHOWN)
        while shown is not None and start + count / rate < min(until, end) - _SLACK:
            yield shown.to_ndarray(format="rgb24")
            count += 1
    if not count:
        raise UnreadableClipError(f"it has no pictures{_between(start, end)}")


def _decoded(
    media: Path | bytes, kind: Literal["audio", "video"], start: float, end: float
) -> Iterator[tuple[float, Any]]:
    """Frames of the first stream of a kind, each with its second in the file, from before `start` up to `end`."""
    import av

    options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
    source = str(media.absolute()) if isinstance(media, Path) else io.BytesIO(media)
    with av.open(source, options=options) as container:
        stream = next(iter(getattr(container.streams, kind)), None)
        if stream is None:
            raise UnreadableClipError(f"it has no {'sound' if kind == 'audio' else 'pictures'}")
        stream.thread_type = "AUTO"
        origin = (container.start_time or 0) / av.time_base
        if start > _EARLIER:
            container.seek(round((origin + start - _EARLIER) / stream.time_base), stream=stream)
        time = start
        for frame in container.decode(stream):
            time = time if frame.time is None else frame.time - origin
            if time >= end:
                return
            yield time, frame
        if container.format.name == _MP4 and stream.duration:
            said = float(stream.duration * stream.time_base)
            if time < min(end, said) - _LOST:
                raise UnreadableClipError(f"it is damaged (it ends at second {time:.1f} of {said:.1f})")


@contextmanager
def _errors() -> Iterator[None]:
    """What ffmpeg finds wrong with a file becomes an `UnreadableClipError`."""
    import av.error

    try:
        yield
    except av.error.FFmpegError as error:
        reason = "" if isinstance(error, av.error.InvalidDataError) else f" ({error.strerror})"
        raise UnreadableClipError(f"it is damaged, or no clip{reason}") from None


def _between(start: float, end: float) -> str:
    if not start and math.isinf(end):
        return ""
    return f" from second {start:g} on" if math.isinf(end) else f" between the seconds {start:g} and {end:g}"

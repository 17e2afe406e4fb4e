"""The frames of a media file, each with the seconds between which it is played. PyAV decodes them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final, Literal

_MP4: Final = "mov,mp4,m4a,3gp,3g2,mj2"
_MATROSKA: Final = "matroska,webm"
_FORMATS: Final = f"{_MP4},{_MATROSKA},avi,wav,w64,mp3,flac,ogg,aac,ac3,aiff,au,asf,flv,mpeg,mpegts,amr,caf,mxf"
"""The containers that are read. Lists of other files, which ffmpeg would open too, are not among them."""
_EARLIER: Final = 0.5
"""Seconds before a start from which a file is decoded, because a decoder needs some of what comes before."""
_SHOWN: Final = 0.04
"""Seconds for which a picture is shown, if the file does not say it."""
_LOST: Final = 0.5
"""Seconds that a whole .mp4, .mkv or .webm file can lack at its end. Others do not say exactly how long they are."""


class UnreadableClipError(ValueError):
    """A clip has no such stream, is silent, or is damaged. The message says which."""


@dataclass(frozen=True)
class Played:
    """A frame of PyAV.

    Attributes:
        frame: Some sound, or a picture.
        begins: The second of the file at which it begins.
        ends: The second of the file at which it ends.
    """

    frame: Any
    begins: float
    ends: float


def decoded(media: Path | bytes, kind: Literal["audio", "video"], start: float, end: float) -> Iterator[Played]:
    """Decode the first stream of a kind. A long file is entered shortly before the start.

    Args:
        media: The file, or its content.
        kind: The kind of the stream.
        start: The first frame begins before this second, if there is such a frame.
        end: All frames begin before this second.

    Raises:
        UnreadableClipError: There is no such stream, or a file that says how long it is ends earlier.
        av.error.FFmpegError: The file is damaged in another way (`errors`).
    """
    import av

    options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
    for entry in (start - _EARLIER, 0.0) if start > _EARLIER else (0.0,):
        source = str(media.absolute()) if isinstance(media, Path) else io.BytesIO(media)
        with av.open(source, options=options) as container:
            stream, ends = _stream(container, kind), start
            frames = _from(container, stream, entry)
            try:
                first = next(frames, None)
            except av.error.FFmpegError:
                if not entry:
                    raise
                continue  # not every file can be entered in its middle
            if entry and (first is None or first.begins > start):
                continue
            for played in chain([] if first is None else [first], frames):
                if played.begins >= end:
                    return
                ends = played.ends
                yield played
            _check_whole(container, stream, ends, end)
            return


def _stream(container: Any, kind: str) -> Any:
    """The first stream of a kind. The cover of a song is no video."""
    from av.stream import Disposition

    streams = getattr(container.streams, kind)
    stream = next((stream for stream in streams if not stream.disposition & Disposition.attached_pic), None)
    if stream is None:
        raise UnreadableClipError(f"it has no {'sound' if kind == 'audio' else 'pictures'}")
    stream.thread_type = "AUTO"
    return stream


def _from(container: Any, stream: Any, entry: float) -> Iterator[Played]:
    """The frames of a stream, from a second of the file on."""
    origin = _origin(container)
    if entry:
        container.seek(round((origin + entry) / stream.time_base), stream=stream)
    ends = entry
    for frame in container.decode(stream):
        begins = ends if frame.time is None else frame.time - origin
        ends = begins + _seconds(frame)
        yield Played(frame, begins, ends)


def _origin(container: Any) -> float:
    """The time stamp at which a file begins, in seconds."""
    import av

    return float((container.start_time or 0) / av.time_base)


def _seconds(frame: Any) -> float:
    """How long a frame is played."""
    if hasattr(frame, "samples"):
        return float(frame.samples / frame.sample_rate)
    return float((frame.duration or 0) * (frame.time_base or 0)) or _SHOWN


def _check_whole(container: Any, stream: Any, ends: float, end: float) -> None:
    """Raises UnreadableClipError if a stream, decoded up to `ends`, should be longer."""
    said = _said_end(container, stream) - _origin(container)
    if ends < min(end, said) - _LOST:
        raise UnreadableClipError(f"it is damaged (it ends at second {ends:.1f} of {said:.1f})")


def _said_end(container: Any, stream: Any) -> float:
    """The time stamp at which a stream ends, as an .mp4, .mkv or .webm file says it; 0 if it does not."""
    if container.format.name == _MP4 and stream.duration:
        return float(((stream.start_time or 0) + stream.duration) * stream.time_base)
    said = re.fullmatch(r"(\d+):(\d\d):(\d\d\.\d+)", stream.metadata.get("DURATION", ""))
    if container.format.name == _MATROSKA and said:
        hours, minutes, seconds = map(float, said.groups())
        return 3600 * hours + 60 * minutes + seconds
    return 0.0


@contextmanager
def errors() -> Iterator[None]:
    """What ffmpeg finds wrong with a file becomes an `UnreadableClipError`."""
    import av.error

    try:
        yield
    except av.error.FFmpegError as error:
        reason = "" if isinstance(error, av.error.InvalidDataError) else f" ({error.strerror})"
        raise UnreadableClipError(f"it is damaged, or no clip{reason}") from None

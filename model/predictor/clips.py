"""Clips as a model reads them: they are encoded as the data of its training was. Axes: `n` clips."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.clips.clip import Clip
from haemsa.model.encoders.encoder import Encoded, encode_all, padded
from haemsa.model.encoders.opening import open_recorded
from haemsa.model.errors import near
from haemsa.model.schema import Schema

Recorded = Mapping[str, Mapping[str, Any]]
"""What made the streams of a model's training, by their names."""
KEYS: Final = ("text", "media", "media_base64", "start", "end")
"""What is said of a clip."""
_MOST: Final = 2**26
"""The most bytes of a file that is sent as text."""


def recorded_of(info: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What made the streams of a model's training, by the `info` that is saved with the model."""
    return dict(info.get("dataset", {}).get("encoders", {}))


class ClipEncoders:
    """The encoders of the streams that a model reads, loaded.

    Args:
        schema: The modalities that the model reads. One without an encoder is absent in clips.
        recorded: What made its streams in training.

    Raises:
        ValueError: The model reads no stream of an encoder, or an encoder is not the one of training. The message is
            one sentence.
    """

    def __init__(self, schema: Schema, recorded: Recorded) -> None:
        known = [stream for stream in schema.modalities if stream in recorded]
        if not known:
            streams = ", ".join(schema.modalities)
            raise ValueError(f"the model reads {streams}, which haemsa data embed did not make, so it takes no clips")
        self.recorded = {stream: recorded[stream] for stream in known}
        self.opened = {stream: open_recorded(stream, facts) for stream, facts in self.recorded.items()}
        self._half = {stream for stream in known if recorded[stream].get("half")}

    def encode(self, stream: str, clips: Sequence[Clip]) -> list[Encoded]:
        """What one of the streams is for each clip."""
        return encode_all(self.opened[stream], clips)

    def modality(self, stream: str, made: Sequence[Encoded]) -> RawModality:
        """The features [n, T, D] of a stream, rounded as those of training were."""
        features, lengths = padded(made, self.opened[stream].width)
        return RawModality(features.astype(np.float16) if stream in self._half else features, lengths)


def clip_of(values: Mapping[str, Any], what: str) -> Clip:
    """A clip of what a person says of it.

    Args:
        values: `text`, the transcript; `media`, the path of a file, or `media_base64`, its content; `start` and `end`,
            seconds in it. What is None, NaN or not there is missing.
        what: What messages call the clip.

    Raises:
        ValueError: A value is of another type, a file does not exist or is too large. The message is one sentence.

    Example:
        >>> clip_of({"text": "a good film", "media": None}, "clip 0")
        Clip(text='a good film', media=None, start=0.0, end=inf)
    """
    for key in values:
        if key not in KEYS:
            raise ValueError(f"{what} has {key!r}{near(str(key), KEYS)}, expected {', '.join(KEYS)}")
    given = {key: value for key, value in values.items() if not _is_missing(value)}
    if not isinstance(text := given.get("text", ""), str):
        raise ValueError(f"text of {what} is a {type(text).__name__}, expected a transcript")
    start = _second(given.get("start", 0.0), f"start of {what}")
    end = _second(given.get("end", math.inf), f"end of {what}")
    if not start < end:
        raise ValueError(f"{what} starts at second {start:g} and ends at {end:g}, expected the start first")
    return Clip(text, _media(given, what), start, end)


def _media(given: Mapping[str, Any], what: str) -> Path | bytes | None:
    if "media" in given and "media_base64" in given:
        raise ValueError(f"{what} has media and media_base64, expected one of them")
    if "media" in given:
        if not isinstance(given["media"], str | Path):
            raise ValueError(f"media of {what} is a {type(given['media']).__name__}, expected the path of a file")
        if not Path(given["media"]).is_file():
            raise ValueError(f"media of {what} is {str(given['media'])[:200]!r}, but there is no such file")
        return Path(given["media"])
    if "media_base64" not in given:
        return None
    content = given["media_base64"]
    if not isinstance(content, str):
        raise ValueError(f"media_base64 of {what} is a {type(content).__name__}, expected a file as text")
    if len(content) > _MOST * 4 / 3 + 4:
        raise ValueError(f"media_base64 of {what} has {len(content) * 3 // 4} bytes, expected at most {_MOST}")
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error as error:
        raise ValueError(f"media_base64 of {what} is no base64 ({error})") from None


def _second(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not float(value) >= 0:
        raise ValueError(f"{what} is {str(value)[:40]!r}, expected a second, 0 or more")
    return float(value)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))

"""New clips become samples: they are encoded as the data of training was. Axes: `n` clips of a block."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import numpy as np

from haemsa.model.data.cleaning import RawModality
from haemsa.model.data.clips.clip import Clip, Clips
from haemsa.model.data.samples import Samples
from haemsa.model.encoders.encoder import Encoded, Encoder, notes_of
from haemsa.model.encoders.opening import open_recorded
from haemsa.model.predictor.new_samples.new_samples import NewSamples
from haemsa.model.schema import Schema

Encoders = Mapping[str, Mapping[str, Any]]
"""What made the streams of a model's training, by their names."""
_BLOCK: Final = 64
"""How many clips are encoded before they are predicted."""


def new_clips(name: str, clips: Clips, schema: Schema, encoders: Encoders) -> NewSamples:
    """Clips as samples of a model. They are encoded while they are read, some at a time.

    Args:
        name: What messages call them.
        clips: The clips.
        schema: The modalities that the model reads.
        encoders: What made its streams in training. A modality without an encoder is absent.

    Raises:
        ValueError: The model reads no stream of an encoder, or an encoder is not the one of training.
    """
    opened = {stream: open_recorded(stream, encoders[stream]) for stream in schema.modalities if stream in encoders}
    half = {stream for stream in opened if encoders[stream].get("half")}
    if not opened:
        streams = ", ".join(schema.modalities)
        raise ValueError(f"the model reads {streams}, which haemsa data embed did not make, expected features of these")
    encoding = _Encoding(clips, opened, half)
    files = [clip.media for clip in clips.clips if clip.media is not None]
    return NewSamples(
        name, schema, len(clips.ids), has_splits=False, blocks=encoding.blocks, notes=encoding.notes, files=files
    )


def _encode(clips: list[Clip], encoder: Encoder) -> list[Encoded]:
    """Encode any number of clips."""
    parts = (clips[start : start + encoder.batch] for start in range(0, len(clips), encoder.batch))
    return [made for part in parts for made in encoder.encode(part)]


class _Encoding:
    """Encodes clips, and remembers what was found. The streams of `half` were kept as float16 for training."""

    def __init__(self, clips: Clips, encoders: Mapping[str, Encoder], half: Collection[str]) -> None:
        self._clips, self._encoders, self._half = clips, encoders, half
        self._cut = dict.fromkeys(encoders, 0)
        self._problems: dict[str, list[str]] = {stream: [] for stream in encoders}

    def blocks(self) -> Iterator[Samples]:
        for start in range(0, len(self._clips.ids), _BLOCK):
            block = slice(start, start + _BLOCK)
            ids, clips = list(self._clips.ids[block]), list(self._clips.clips[block])
            streams = {stream: self._stream(stream, ids, clips) for stream in self._encoders}
            yield Samples(streams, tuple(ids))

    def notes(self) -> tuple[str, ...]:
        return tuple(
            note
            for stream, encoder in self._encoders.items()
            for note in notes_of(stream, encoder.facts["steps"], self._cut[stream], self._problems[stream])
        )

    def _stream(self, stream: str, ids: list[str], clips: list[Clip]) -> RawModality:
        made = _encode(clips, self._encoders[stream])
        self._cut[stream] += sum(one.cut for one in made)
        self._problems[stream] += [
            f"{name} ({one.problem})" for name, one in zip(ids, made, strict=True) if one.problem
        ]
        lengths = np.array([len(one.features) for one in made], np.int64)
        features = np.zeros((len(made), max(1, int(lengths.max())), self._encoders[stream].width), np.float32)
        for place, one in enumerate(made):
            features[place, : len(one.features)] = one.features
        if stream in self._half:
            features = features.astype(np.float16).astype(np.float32)
        return RawModality(features, lengths)

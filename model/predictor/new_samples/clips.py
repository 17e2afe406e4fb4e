"""New clips become samples: they are encoded as the data of training was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from haemsa.model.data.clips.clip import Clip, Clips
from haemsa.model.data.samples import Samples
from haemsa.model.encoders.encoder import notes_of
from haemsa.model.predictor.clips import ClipEncoders, Recorded
from haemsa.model.predictor.new_samples.new_samples import NewSamples
from haemsa.model.schema import Schema

_BLOCK: Final = 64
"""How many clips are encoded before they are predicted."""


def new_clips(name: str, clips: Clips, schema: Schema, recorded: Recorded) -> NewSamples:
    """Clips as samples of a model. They are encoded while they are read, some at a time.

    Args:
        name: What messages call them.
        clips: The clips.
        schema: The modalities that the model reads.
        recorded: What made its streams in training.

    Raises:
        ValueError: The model reads no stream of an encoder, or an encoder is not the one of training.
    """
    encoding = _Encoding(clips, ClipEncoders(schema, recorded))
    files = [clip.media for clip in clips.clips if isinstance(clip.media, Path)]
    return NewSamples(
        name, schema, len(clips.ids), has_splits=False, blocks=encoding.blocks, notes=encoding.notes, files=files
    )


class _Encoding:
    """Encodes clips, and remembers what was found."""

    def __init__(self, clips: Clips, encoders: ClipEncoders) -> None:
        self._clips, self._encoders = clips, encoders
        self._cut = dict.fromkeys(encoders.opened, 0)
        self._problems: dict[str, list[str]] = {stream: [] for stream in encoders.opened}

    def blocks(self) -> Iterator[Samples]:
        for start in range(0, len(self._clips.ids), _BLOCK):
            block = slice(start, start + _BLOCK)
            yield self._samples(tuple(self._clips.ids[block]), list(self._clips.clips[block]))

    def notes(self) -> tuple[str, ...]:
        return tuple(
            note
            for stream, encoder in self._encoders.opened.items()
            for note in notes_of(stream, encoder.facts["steps"], self._cut[stream], self._problems[stream])
        )

    def _samples(self, ids: tuple[str, ...], clips: list[Clip]) -> Samples:
        modalities = {}
        for stream in self._encoders.opened:
            made = self._encoders.encode(stream, clips)
            self._cut[stream] += sum(one.cut for one in made)
            named = zip(ids, made, strict=True)
            self._problems[stream] += [f"{name} ({one.problem})" for name, one in named if one.problem]
            modalities[stream] = self._encoders.modality(stream, made)
        return Samples(modalities, ids)

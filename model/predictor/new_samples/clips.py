"""New clips become samples: they are encoded as the data of training was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from haemsa.model.data.clips.clip import Clips
from haemsa.model.data.readers.described.columns import column_names
from haemsa.model.data.readers.described.description import Description
from haemsa.model.data.samples import Samples
from haemsa.model.encoders.encoder import notes_of
from haemsa.model.errors import listed
from haemsa.model.predictor.clips import KEYS, ClipEncoders, Recorded, clip_of
from haemsa.model.predictor.new_samples.new_samples import NewSamples
from haemsa.model.schema import Schema

_BLOCK: Final = 64
"""How many clips are encoded before they are predicted."""
_HELD: Final = {"transcript": "transcripts", "media": "media files", "start": "starts", "end": "ends"}
"""What a column of a table of clips holds."""


def new_clips(name: str, encoding: Encoding, schema: Schema, files: Sequence[Path], notes: Sequence[str]) -> NewSamples:
    """Clips as samples of a model. They are encoded while they are read, some at a time.

    Args:
        name: What messages call them.
        encoding: The clips, and what encodes them.
        schema: The modalities that the model reads.
        files: The files that describe the clips.
        notes: What was found while they were read.
    """
    return NewSamples(
        name,
        schema,
        encoding.count,
        has_splits=False,
        blocks=encoding.blocks,
        notes=lambda: (*notes, *encoding.notes()),
        files=[*files, *encoding.files],
    )


def beside(rows: Iterator[Samples], encoding: Encoding) -> Iterator[Samples]:
    """Samples of a table, with the streams of their clips, which are in the same order."""
    start = 0
    for block in rows:
        for place in range(0, len(block), _BLOCK):
            part = block.take(np.arange(place, min(place + _BLOCK, len(block))))
            encoded = encoding.part(start, start + len(part))
            modalities = {**part.modalities, **encoded.modalities}
            yield replace(part, modalities=modalities, encoders=encoded.encoders)
            start += len(part)


def as_in_training(path: Path, schema: Schema, recorded: Recorded) -> tuple[Description | None, bool]:
    """How a file without a description tells of clips, and whether it holds features that the model reads.

    The columns of its clips are those that the clips of training had. It tells of none if it is no table, if the model
    reads no stream of an encoder, or if it has features and lacks one of the columns.

    Raises:
        ValueError: The table has no features, and lacks one of the columns. The message is one sentence.
    """
    streams = [stream for stream in schema.modalities if stream in recorded]
    if path.suffix.lower() == ".npz" or not streams:
        return None, True
    names = column_names(path)
    features = bool({*schema.modalities, *(name for known in schema.columns.values() for name in known)} & set(names))
    columns = {key: name for stream in streams for key, name in _columns(recorded[stream]).items()}
    if columns.get("ids") not in names:
        columns.pop("ids", None)
    for key, column in columns.items():
        if column not in names:
            if features:
                return None, True
            trained = f"which was the column of {_HELD[key]} in training"
            raise ValueError(f"{path} has no column {column!r}, {trained}; it has {listed(names)}")
    return Description.model_validate({"source": path.name, **columns}), features


def _columns(facts: Mapping[str, Any]) -> Mapping[str, str]:
    """The columns of the table that an encoder read in training. Without a table, they have the names of `clip_of`."""
    own = {"transcript": "text"} if facts["encodes"] == "text" else {"media": "media"}
    return facts.get("columns") or {**own, "ids": "id"}


def clips_said(clips: Sequence[Mapping[str, Any]]) -> Clips:
    """Clips of what is said of each (`clip_of`), and of an `id`.

    Raises:
        ValueError: There is no clip, or one is no dictionary, or as `clip_of`.
    """
    if not len(clips):
        raise ValueError("there is no clip, expected at least one")
    for number, clip in enumerate(clips):
        if not isinstance(clip, Mapping):
            raise ValueError(f"clip {number} is a {type(clip).__name__}, expected a dictionary with {', '.join(KEYS)}")
    ids = [str(clip.get("id", number)) for number, clip in enumerate(clips)]
    made = [
        clip_of({key: value for key, value in clip.items() if key != "id"}, f"clip {name}")
        for name, clip in zip(ids, clips, strict=True)
    ]
    return Clips(ids, made)


class Encoding:
    """Encodes clips some at a time, and remembers what was found.

    Attributes:
        count: How many clips there are.
        files: Their media files.
    """

    def __init__(self, clips: Clips, encoders: ClipEncoders) -> None:
        self._clips, self._encoders = clips, encoders
        self._cut = dict.fromkeys(encoders.opened, 0)
        self._problems: dict[str, list[str]] = {stream: [] for stream in encoders.opened}
        self.count, self.files = len(clips.ids), [clip.media for clip in clips.clips if isinstance(clip.media, Path)]

    def blocks(self) -> Iterator[Samples]:
        """The clips as samples."""
        for start in range(0, self.count, _BLOCK):
            yield self.part(start, start + _BLOCK)

    def part(self, start: int, end: int) -> Samples:
        """Some of the clips, by their places, as samples."""
        ids, clips, modalities = tuple(self._clips.ids[start:end]), self._clips.clips[start:end], {}
        for stream in self._encoders.opened:
            made = self._encoders.encode(stream, clips)
            self._cut[stream] += sum(one.cut for one in made)
            named = zip(ids, made, strict=True)
            self._problems[stream] += [f"{name} ({one.problem})" for name, one in named if one.problem]
            modalities[stream] = self._encoders.modality(stream, made)
        return Samples(modalities, ids, encoders=self._encoders.recorded)

    def notes(self) -> tuple[str, ...]:
        """What a person must know of the clips so far: which cannot be read, and how many were cut."""
        return tuple(
            note
            for stream, encoder in self._encoders.opened.items()
            for note in notes_of(stream, encoder.facts["steps"], self._cut[stream], self._problems[stream])
        )

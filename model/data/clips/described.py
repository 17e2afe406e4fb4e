"""A table with a YAML file that says which columns hold transcripts and media files."""

from __future__ import annotations

import math
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from haemsa.model.data.clips.clip import Clip, Clips, LabelledClips
from haemsa.model.data.readers.described.cells import numbers, unlike, words
from haemsa.model.data.readers.described.description import Description, read_description
from haemsa.model.data.readers.described.features import DescribedSource, single_column, texts
from haemsa.model.data.readers.described.read import draft_of, open_source
from haemsa.model.data.readers.described.samples import SoundSamples
from haemsa.model.data.readers.options import Damage, within

COLUMNS: Final = ("transcript", "media", "start", "end", "ids")
"""What a description says of clips: the columns of their transcripts, files, seconds and names."""


def read_described(path: Path, damage: Damage) -> LabelledClips:
    """The clips that the YAML file at `path` describes, with their labels.

    Raises:
        ValueError: Description and source do not fit each other, or a sample is damaged (unless damage is skipped). The
            message is one sentence.
    """
    description = read_description(path)
    with within(str(path)):
        if not description.has_clips:
            raise ValueError("transcript and media are missing, expected at least one of them, with its column")
        source = open_source(path.parent, description, damage)
        clips = clips_in(description, source, path.parent)
        draft = draft_of(path.stem, description, source, damage)
        kept = [clips[sample] for sample in source.samples.sound]
        columns = {key: name for key in COLUMNS if (name := getattr(description, key)) is not None}
        return LabelledClips(draft.ids, kept, draft.dataset, tuple(draft.raw), columns)


def read_new(path: Path, description: Description, damage: Damage) -> Clips:
    """The clips that a description at `path` is about. Columns of labels, groups and splits can be missing.

    `path` is a YAML file, or the table itself if the description is made of what a model knows.

    Raises as `read_described`.
    """
    unlabelled: dict[str, Any] = {"modalities": {}, "tasks": {}, "groups": None, "split": None, "splits": None}
    described = description.model_copy(update=unlabelled)
    with within(str(path)) if path.name != description.source else nullcontext():
        source = open_source(path.parent, described, damage)
        clips = clips_in(described, source, path.parent)
        ids = texts("ids", described.ids, source) or source.samples.names
        sound = source.samples.sound
        return Clips([ids[sample] for sample in sound], [clips[sample] for sample in sound])


def clips_in(description: Description, source: DescribedSource, folder: Path) -> list[Clip]:
    """The clip of each sample, also of damaged ones."""
    count = len(source.samples)
    said = [""] * count if description.transcript is None else words(single_column(description.transcript, source))
    files: list[Path | None] = [None] * count
    if description.media is not None:
        files = [folder / name if name else None for name in words(single_column(description.media, source))]
        mark_missing(files, source.samples)
    start = _seconds(description.start, source, 0.0)
    end = _seconds(description.end, source, math.inf)
    source.samples.mark_damaged(
        ~(start < end), lambda sample: f"it starts at second {start[sample]:g} and ends at {end[sample]:g}"
    )
    return [Clip(*clip) for clip in zip(said, files, start.tolist(), end.tolist(), strict=True)]


def mark_missing(files: list[Path | None], samples: SoundSamples) -> None:
    """A sample is damaged if its media file does not exist."""
    missing = np.array([file is not None and not file.is_file() for file in files])
    samples.mark_damaged(missing, lambda sample: f"there is no file '{files[sample]}'")


def _seconds(column: str | None, source: DescribedSource, default: float) -> NDArray[np.float64]:
    """The seconds in a column, and the default where a cell is missing."""
    if column is None:
        return np.full(len(source.samples), default)
    cells = single_column(column, source)
    values, odd = numbers(cells)
    source.samples.mark_damaged(odd | (values < 0) | np.isinf(values), unlike(column, cells, "a second, 0 or more"))
    return np.where(np.isfinite(values), values, default)
